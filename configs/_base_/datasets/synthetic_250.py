# 250 images of the built-in set: few enough to be learned by heart.
_base_ = './synthetic.py'

train_dataloader = dict(dataset=dict(num_images=250))
