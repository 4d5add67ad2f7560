# Where the authors' public code differs from the paper: the attention is that
# of a frozen AbSViT-B, the region a square with an integer side; the label has
# one ratio of attention for the batch, for which the target's map is read at
# the source's place; the regions have a second classifier, and the consistency
# is a KL divergence from the mixed logits
_base_ = './deit-small_tdattenmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[
            dict(type='mmmix.SMMix', integer_sides=True),
            _base_.mixing.augments[1],
        ],
        guide=dict(
            _delete_=True,
            attention=dict(
                type='mmmix.FrozenGuide',
                config='mmmix::_base_/models/absvit-base.py',
                checkpoint='absvit-base.pth',
                attention_map=dict(type='mmmix.AbSViTTopDown')))),
    head=dict(
        label_rule=dict(ratio='batch', source_map='target'),
        mix_losses=dict(
            fine=dict(second_classifier=True),
            consistency=dict(distance='kl', mix='logits'))))
