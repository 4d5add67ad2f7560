# Every tenth training image of CIFAR-10 (as JPEG, a lossy copy) and all test
# images, decoded once: a set that a small model sees hundreds of times.
_base_ = './cifar10_jpg.py'

data_preprocessor = dict(to_rgb=False)  # the images are held in RGB

train_dataloader = dict(
    batch_size=100,
    num_workers=0,
    dataset=dict(
        type='mmmix.DecodedImages',
        num_images=5000,
        pipeline=_base_.train_dataloader.dataset.pipeline[1:]))
val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    dataset=dict(
        type='mmmix.DecodedImages',
        pipeline=_base_.val_dataloader.dataset.pipeline[1:]))
test_dataloader = val_dataloader
