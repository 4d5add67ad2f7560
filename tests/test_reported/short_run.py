"""Options of tools/train.py for a run of two epochs of two steps."""
SHORT = [
    '--no-validate', '--cfg-options', 'train_dataloader.dataset.num_images=16',
    'train_cfg.max_epochs=2'
]
