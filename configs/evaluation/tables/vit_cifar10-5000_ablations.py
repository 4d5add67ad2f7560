# The ablations of three papers in the regime of vit_cifar10-5000.py.
seeds = [0, 1]

_name = '{0}/vit-xs_{0}_1xb100-100e_cifar10-jpg-5000.py'
_cutmix, _smmix, _mixpro, _tdattenmix = (
    _name.format(method)
    for method in ('cutmix', 'smmix', 'mixpro', 'tdattenmix'))
_losses, _label = 'model.head.mix_losses', 'model.head.label_rule'
_consistency = dict(type='mmmix.ConsistencyLoss')
_sigma = 'model.train_cfg.guide.attention_map.sigma'

runs = {
    # SMMix, Table 7
    'CutMix':
    dict(config=_cutmix),
    'CutMix + consistency':
    dict(config=_cutmix, options={f'{_losses}.consistency': _consistency}),
    'max-min regions':
    dict(config=_smmix, options={_losses: None}),
    'max-min + fine-grained':
    dict(config=_smmix, options={f'{_losses}.consistency': None}),
    'max-min + consistency':
    dict(config=_smmix, options={f'{_losses}.fine': None}),
    'SMMix':
    dict(config=_smmix),
    # MixPro, Table 6: the mixer and the labels apart
    'CutMix, progressive labels':
    dict(
        config=_cutmix,
        options={_label: dict(type='mmmix.ProgressiveAttentionLabel')}),
    'MaskMix, area labels':
    dict(config=_mixpro, options={_label: None}),
    'MaskMix, TransMix labels':
    dict(config=_mixpro, options={f'{_label}.type': 'mmmix.TransMixLabel'}),
    'MixPro':
    dict(config=_mixpro),
    # TdAttenMix, Tables 5 and 6
    'TdAttenMix, sigma 0':
    dict(config=_tdattenmix, options={_sigma: 0.}),
    'TdAttenMix, sigma 2':
    dict(config=_tdattenmix, options={_sigma: 2.}),
    'TdAttenMix, beta 0':
    dict(config=_tdattenmix, options={f'{_label}.beta': 0.}),
    'TdAttenMix':
    dict(config=_tdattenmix),
    'TdAttenMix, beta 1':
    dict(config=_tdattenmix, options={f'{_label}.beta': 1.}),
    'TdAttenMix, Eq. 12 literally':
    dict(config=_tdattenmix, options={f'{_label}.target': 'replaced'}),
}
