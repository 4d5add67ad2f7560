# Table 7, third column: the CutMix baseline with the consistency loss,
# which requires the guide's logits, though CutMix itself requires no guide
_base_ = '../../mixup_cutmix/deit-small_mixup-cutmix_8xb128-300e_in1k.py'

model = dict(
    head=dict(mix_losses=dict(consistency=dict(type='mmmix.ConsistencyLoss'))))
