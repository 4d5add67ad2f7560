_base_ = './cait-xxs24.py'

model = dict(backbone=dict(model_name='cait_xxs36_224', drop_path_rate=0.1))
