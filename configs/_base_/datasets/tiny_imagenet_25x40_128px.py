# 40 images a class of the first 25 classes, enlarged to 128 x 128 pixels, for
# the fine-tuning of a network that has seen ImageNet. The validation images
# are all 50 of each class.
_base_ = './tiny_imagenet_25_128px.py'

# as EfficientNet-Lite0 was trained
data_preprocessor = dict(mean=[127.] * 3, std=[128.] * 3)
train_dataloader = dict(
    batch_size=50, num_workers=0, dataset=dict(images_per_class=40))
val_dataloader = dict(batch_size=125, num_workers=0)
test_dataloader = val_dataloader
