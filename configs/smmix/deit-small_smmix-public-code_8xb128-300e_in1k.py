# Where the authors' public code differs from the paper: a square region with
# an integer side, a second classifier for the regions, and mixed logits as the
# consistency target
_base_ = './deit-small_smmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.SMMix', integer_sides=True),
        _base_.mixing.augments[1],
    ]),
    head=dict(
        mix_losses=dict(
            fine=dict(second_classifier=True), consistency=dict(
                mix='logits'))))
