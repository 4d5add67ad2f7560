# Table 7, second column: max-min mixing alone
_base_ = '../deit-small_smmix_8xb128-300e_in1k.py'

model = dict(head=dict(mix_losses=dict(fine=None, consistency=None)))
