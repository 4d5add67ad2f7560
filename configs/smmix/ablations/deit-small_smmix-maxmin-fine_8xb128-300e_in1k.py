# Table 7, fourth column: without the consistency loss
_base_ = '../deit-small_smmix_8xb128-300e_in1k.py'

model = dict(head=dict(mix_losses=dict(consistency=None)))
