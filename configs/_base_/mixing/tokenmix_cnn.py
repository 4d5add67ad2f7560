# A CNN has no class attention: its own label maps, what it says of the
# image's label at each place of the last feature map, stand for the teacher's.
_base_ = './tokenmix.py'

mixing = dict(guide=dict(_delete_=True, type='mmmix.SelfGuide'))

label_rule = dict(maps='label_maps')
