"""What was mixed as HTML: pictures, weights, and what the network sees."""
from html import escape
from typing import List, Optional, Sequence, Tuple

from mmmix.errors import MissingIngredient
from mmmix.visualization.figure import SOURCE, TARGET, short_name
from mmmix.visualization.pictures import (SOURCES, as_address, image_picture,
                                          map_picture, mask_picture)
from .mixing import Played


def report(played: Played, rule: Optional[str]) -> str:
    """The whole report.

    Args:
        played (Played): What was mixed.
        rule (str, optional): The name of the label rule that was chosen.
    """
    cards = ''.join(_card(played, i) for i in range(len(played.images)))
    return (f'<div class="mix">{_notes(played)}{cards}'
            f'{_lambda_table(played, rule)}</div>')


def message(text: str) -> str:
    """What is wrong with the input."""
    return ('<div class="mix"><div class="wrong" role="alert"><b>This cannot '
            f'be mixed.</b> {escape(text)}</div></div>')


def _notes(played: Played) -> str:
    mixed, notes = played.mixed, []
    if mixed.site is not None:
        notes.append(
            f'This mixer mixes inside of the network, after {mixed.site}: the '
            'images below are mixed as the features are, by the same mask, '
            'but the network is never shown them.')
    if played.untrained_module:
        notes.append(
            'This mixer learns to mix, and is shown before its training: its '
            'mask is that of random weights.')
    if mixed.kind == 'unmixed':
        notes.append('Nothing is mixed: each image stays as it is.')
    if played.no_map:
        notes.append(f'No attention map: {played.no_map}')
    if not all(played.known):
        notes.append('The class of an image with a question mark is what the '
                     'network takes it for, as it is not among the classes '
                     'that it knows by name.')
    return ''.join(f'<p class="note">{escape(note)}</p>' for note in notes)


def _card(played: Played, target: int) -> str:
    mixed = played.mixed
    sources = _sources(played, target)
    parts = [
        f'<span style="color:{colour}">{_name(played, i)}</span>'
        for i, colour, _ in sources
    ]
    own = f'<span style="color:{TARGET}">{_name(played, target)}</span>'
    into = f'{" and ".join(parts)} &rarr; {own}' if parts else own
    figures = []
    frame = mixed.source_boxes
    for i, colour, _ in sources:
        figures.append(
            _figure(
                image_picture(
                    played.images[i],
                    None if frame is None else frame[target].tolist(), colour),
                'source', _name(played, i), colour))
    frame = mixed.target_boxes
    box = None if frame is None else frame[target].tolist()
    figures.append(
        _figure(
            image_picture(played.images[target], box, SOURCE), 'target',
            _name(played, target), TARGET))
    figures += _map_figures(played, target, sources)
    if mixed.kind != 'unmixed':
        figures.append(
            _figure(
                mask_picture(mixed.mask[target], played.images.shape[-2:]),
                'mask', _grid(mixed.mask.shape[-2:])))
    figures.append(
        _figure(
            image_picture(mixed.inputs[target]),
            'mixed',
            _label(played, target, sources),
            extra='mixed'))
    return (f'<section class="pair"><h3>{into}</h3><div class="figures">'
            f'{"".join(figures)}</div>{_top(played, target, sources)}'
            '</section>')


def _sources(played: Played, target: int) -> List[Tuple[int, str, float]]:
    """Index, colour and weight of the images that are pasted into one."""
    mixed = played.mixed
    if mixed.kind == 'unmixed':
        return []
    indices = mixed.source[target].view(-1).tolist()
    weights = mixed.lam[target].view(-1).tolist()
    if len(indices) == 1:
        return [(indices[0], SOURCE, weights[0])]
    return [(i, SOURCES[k % len(SOURCES)], weight)
            for k, (i, weight) in enumerate(zip(indices, weights))
            if weight > 0 and i != target]


def _map_figures(played: Played, target: int,
                 sources: Sequence[Tuple[int, str, float]]) -> List[str]:
    figures = []
    for word, maps in played.maps.items():
        used = word in played.requires
        if word == 'attention' and not used and len(played.maps) > 1:
            continue  # the map that the mixer uses is shown
        for role, i, colour in [
            ('source', i, colour) for i, colour, _ in sources
        ] + [('target', target, TARGET)]:
            boxes = (
                played.mixed.source_boxes
                if role == 'source' else played.mixed.target_boxes)
            box = None if boxes is None or not used else boxes[target].tolist()
            figures.append(
                _figure(
                    map_picture(played.images[i], maps[i], box,
                                SOURCE if role == 'target' else colour),
                    f'{word}, {role}',
                    _grid(maps.shape[-2:]) if used else 'not used to mix',
                    colour))
    return figures


def _figure(picture,
            title: str,
            caption: str,
            colour: str = 'inherit',
            extra: str = '') -> str:
    return (f'<figure class="{extra}"><div class="title" '
            f'style="color:{colour}">{title}</div>'
            f'<img alt="{title}" src="{as_address(picture)}">'
            f'<figcaption>{caption}</figcaption></figure>')


def _label(played: Played, target: int,
           sources: Sequence[Tuple[int, str, float]]) -> str:
    """The mixed label: weights and classes."""
    parts = [(weight, i, colour) for i, colour, weight in sources]
    parts.append((float(played.mixed.own_weight[target]), target, TARGET))
    return '<br>'.join(f'<b style="color:{colour}">{weight:.2f}</b> '
                       f'{_name(played, i)}' for weight, i, colour in parts)


def _name(played: Played, i: int) -> str:
    name = escape(short_name(played.labels[i]))
    return name if played.known[i] else f'{name}?'


def _grid(size: Sequence[int]) -> str:
    return '{} &times; {}'.format(*size) if max(size) > 1 else 'one weight'


def _top(played: Played, target: int, sources: Sequence[Tuple[int, str,
                                                              float]]) -> str:
    """What the network takes source, target and mix for."""
    seen = [('source', played.unmixed_top[i], colour)
            for i, colour, _ in sources[:1]]
    seen += [('target', played.unmixed_top[target], TARGET),
             ('mixed', played.mixed_top[target], 'inherit')]
    columns = ''
    for title, top, colour in seen:
        rows = ''.join(
            f'<li><span class="bar" style="width:{100 * value:.1f}%;'
            f'background:{colour if colour != "inherit" else "#888"}"></span>'
            f'<span class="class">{escape(short_name(name, 28))}</span>'
            f'<span class="value">{value:.2f}</span></li>'
            for name, value in top)
        columns += (f'<div><div class="title" style="color:{colour}">{title}'
                    f'</div><ol>{rows}</ol></div>')
    return (
        '<div class="top"><div class="heading">What the network takes them '
        f'for</div><div class="columns">{columns}</div></div>')


def _lambda_table(played: Played, chosen: Optional[str]) -> str:
    """Lambda by every label rule."""
    n = len(played.images)
    head = ''.join(f'<th>&rarr; {_name(played, i)}</th>' for i in range(n))
    rows = ''
    for name, weights in played.weights.items():
        title = name or "the mixer's own"
        if isinstance(weights, Exception):
            short = 'does not apply'
            if isinstance(weights, MissingIngredient):
                short = f'needs {weights.ingredient.replace("_", " ")}'
                short = MISSING.get(weights.ingredient, short)
            cells = (f'<td colspan="{n}" class="no"><details><summary>{short}'
                     f'</summary>{escape(str(weights))}</details></td>')
        else:
            cells = ''.join(f'<td>{_weight(*weights, i)}</td>'
                            for i in range(n))
        mark = ' class="chosen"' if name == chosen else ''
        rows += f'<tr{mark}><th>{escape(title)}</th>{cells}</tr>'
    return ('<section class="lambda"><h3>&lambda;, the weight of the source, '
            'by every label rule</h3><div class="scroll"><table><thead><tr>'
            f'<th>label rule</th>{head}</tr></thead><tbody>{rows}</tbody>'
            '</table></div></section>')


MISSING = dict(
    mask='no: it needs one source with a weight at each place',
    class_attention='no: the network has no class token that attends',
    attention='no: the guide has no attention map',
    label_maps='no: the guide has no label maps')


def _weight(lam, own_lam, i: int) -> str:
    values = lam[i].view(-1).tolist()
    text = ' + '.join(f'{value:.3f}' for value in values)
    if own_lam is not None:
        text += f'<br><small>target {float(own_lam[i]):.3f}</small>'
    return text
