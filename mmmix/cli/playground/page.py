"""The page of the playground, laid out with Gradio."""
import os
import socket
import threading
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mmmix.cli.errors import user_message
from mmmix.cli.methods import mixer_names
from mmmix.errors import MmmixError
from mmmix.registry import BATCH_AUGMENTS, MODELS, TASK_UTILS, type_name
from .arguments import Argument, arguments_of, config_of, summary_of
from .config_text import config_text, guided_config_text
from .images import Picture, built_in, choose, from_upload
from .mixing import Choices, attention_names, fitting, label_rule_names, play
from .networks import Network
from .report import message, report

INTRO = """# mmmix playground
Choose images, a mixer and the network that guides it; see what is mixed, and
copy the config that does the same in a training. **Orange** is the source, the
image that is pasted in, **blue** is the target. Nothing leaves this
machine."""
OWN_LAMBDA = "the mixer's own"
PAIRS = {
    'each image with the one before it': False,
    'as the mixer pairs': True
}
MOST_IMAGES = 6  # at a time
MOST_UPLOADS = 20
UPLOAD_SIZE = '20mb'
# whatever a page of Gradio would load from elsewhere is refused by the browser
POLICY = ("default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
          "connect-src 'self' ws: wss:; frame-ancestors 'none'; "
          "form-action 'self'; base-uri 'self'")
KINDS = {'mixer': BATCH_AUGMENTS, 'attention': TASK_UTILS, 'rule': MODELS}


def require_gradio():
    """Gradio, which tells nobody that it runs.

    Raises:
        MmmixError: If it is not installed.
    """
    if find_spec('gradio') is None:
        raise MmmixError(
            'The playground is a page of Gradio, which is not installed: pip '
            "install 'mmmix[playground]', or in a checkout pip install "
            "'.[playground]'.")
    os.environ.update(
        GRADIO_ANALYTICS_ENABLED='False', HF_HUB_DISABLE_TELEMETRY='1')
    import gradio
    return gradio


class Playground:
    """The page, and what it shows.

    Args:
        networks (Sequence[Network]): Those that may guide, the first at the
            start.
        pictures (Sequence[Picture]): Images beside the built-in ones.
    """

    def __init__(self,
                 networks: Sequence[Network],
                 pictures: Sequence[Picture] = ()):
        self.networks = {network.name: network for network in networks}
        self.own_pictures = [*pictures]
        self.pictures = self.own_pictures + built_in()
        # a model is shared by all who look at the page
        self.lock = threading.Lock()

    def first_images(self, name: str) -> List[str]:
        """Names of the images that a network is shown at first: those of the
        folder, or built-in ones that it knows."""
        if self.own_pictures:
            return [picture.name for picture in self.own_pictures[:4]]
        network = self.networks[name]
        known = [
            picture.name for picture in self.pictures
            if network.class_of(picture) is not None
        ]
        return (known if len(known) >= 2 else
                [picture.name for picture in self.pictures])[:4]

    def draw(self, network: str, images: Optional[Sequence[str]],
             uploads: Sequence[Picture], mixer: str, mixer_values: Dict[str,
                                                                        Any],
             attention: str, attention_values: Dict[str, Any], rule: str,
             rule_values: Dict[str, Any], pairs: str,
             seed: Optional[float]) -> Tuple[str, str, str]:
        """The report and the two configs for what is chosen in the page, or
        the message that says what is wrong with it."""
        try:
            with self.lock:
                return self._draw(
                    self.networks[network],
                    choose([*uploads, *self.pictures], images),
                    Choices(
                        self._part('mixer', mixer, mixer_values, network),
                        self._part('attention', attention, attention_values,
                                   network), None if rule == OWN_LAMBDA else
                        self._part('rule', rule, rule_values, network),
                        _seed(seed), PAIRS[pairs]))
        except Exception as error:
            text = user_message(error, ImportError)
            if text is None:
                raise
            return message(text), '', ''

    def _draw(self, network: Network, pictures: Sequence[Picture],
              choices: Choices) -> Tuple[str, str, str]:
        played = play(network, pictures, choices)
        rule = choices.label_rule and type_name(choices.label_rule)
        return (report(played,
                       rule), config_text(network, choices, played.requires),
                guided_config_text(network, choices, played.requires))

    def _part(self, kind: str, name: str, values: Dict[str, Dict],
              network: str) -> dict:
        """The config of a part with the values of its controls."""
        known = self.fitting(network, name) if kind == 'mixer' else {}
        return config_of(f'mmmix.{name}', KINDS[kind].get(f'mmmix.{name}'), {
            **known,
            **values.get(name, {})
        })

    def fitting(self, network: str, mixer: str) -> Dict[str, Any]:
        """See :func:`.mixing.fitting`; as the controls show it."""
        kind = BATCH_AUGMENTS.get(f'mmmix.{mixer}')
        values = fitting(self.networks[network], kind)
        return {
            name: str(value) if isinstance(value, list) else value
            for name, value in values.items()
        }

    def page(self):
        """The page as Gradio's ``Blocks``."""
        gr = require_gradio()
        first = next(iter(self.networks))
        with gr.Blocks(
                analytics_enabled=False,
                title='mmmix playground',
                fill_width=True,
                delete_cache=(3600, 3600)) as page:
            gr.Markdown(INTRO, elem_classes='intro')
            with gr.Row():
                with gr.Column(scale=2, min_width=300):
                    chosen = self._choices(gr, page, first)
                with gr.Column(scale=5, min_width=320):
                    shown = self._results(gr)
            self._connect(gr, page, chosen, shown)
        return page

    def _choices(self, gr, page, first: str) -> Dict[str, Any]:
        """The left side; what :meth:`draw` takes, by name."""
        found: Dict[str, Any] = {}
        found['network'] = gr.Dropdown([*self.networks],
                                       value=first,
                                       label='Guide: the network that looks',
                                       elem_id='network')
        found['note'] = gr.Markdown(
            self.networks[first].note, elem_classes='network-note')
        found['images'] = gr.Dropdown(
            [picture.name for picture in self.pictures],
            value=self.first_images(first),
            multiselect=True,
            max_choices=MOST_IMAGES,
            label='Images',
            elem_id='images')
        found['upload'] = gr.UploadButton(
            'Add images of your own',
            file_count='multiple',
            file_types=['image'],
            size='sm',
            elem_id='upload')
        found['uploads'] = gr.State([])
        names = mixer_names()
        found['mixer'] = gr.Dropdown(
            names,
            value='SMMix' if 'SMMix' in names else names[0],
            label='Mixer',
            elem_id='mixer')
        self._controls(gr, page, 'mixer', found)
        found['attention'] = gr.Dropdown(
            attention_names(),
            value='BottomUp',
            label='Attention map',
            elem_id='attention')
        self._controls(gr, page, 'attention', found)
        found['rule'] = gr.Dropdown([OWN_LAMBDA, *label_rule_names()],
                                    value=OWN_LAMBDA,
                                    label='Label rule: what sets λ',
                                    elem_id='rule')
        self._controls(gr, page, 'rule', found)
        found['pairs'] = gr.Dropdown([*PAIRS],
                                     value=[*PAIRS][0],
                                     label='Pairs',
                                     elem_id='pairs')
        with gr.Row():
            found['seed'] = gr.Number(
                0,
                label='Seed',
                precision=0,
                minimum=0,
                min_width=100,
                elem_id='seed')
            found['again'] = gr.Button(
                'Draw again', variant='primary', elem_id='again')
        return found

    def _controls(self, gr, page, kind: str, found: Dict[str, Any]) -> None:
        """A control for each argument of the part that is chosen.

        The state ``KIND_values`` has their values by the name of the part, so
        that they are still there when it is chosen again.
        """
        values = found[f'{kind}_values'] = gr.State({})
        triggers = [page.load, found[kind].change]
        if kind == 'mixer':  # its arguments suit the network
            triggers.append(found['network'].change)
        # one at a time: renderings at once would give their events the same
        # numbers, and changes at once would overwrite each other
        one_by_one = dict(
            show_progress='hidden',
            concurrency_limit=1,
            concurrency_id='controls')

        @gr.render([found[kind], found['network'], values], triggers,
                   **one_by_one)
        def controls(name: str, network: str, values_now: Dict) -> None:
            if name == OWN_LAMBDA:
                return
            part = KINDS[kind].get(f'mmmix.{name}')
            gr.Markdown(summary_of(part), elem_classes='summary')
            known = self.fitting(network, name) if kind == 'mixer' else {}
            known.update(values_now.get(name, {}))
            for argument in arguments_of(part):
                start = known.get(argument.name, argument.default)
                for key, control in _control(gr, kind, argument, start):
                    control.change(
                        partial(_changed, part=name, key=key, start=start),
                        [values, control],
                        values,
                        trigger_mode='always_last',
                        api_visibility='private',
                        **one_by_one)

    def _results(self, gr) -> List[Any]:
        """The right side: report and configs."""
        html = gr.HTML(elem_id='report')
        gr.Markdown('### The config that does this')
        with gr.Tab('Train this network'):
            trained = gr.Code(
                language='python',
                interactive=False,
                lines=6,
                show_label=False,
                elem_id='config')
        with gr.Tab('Guide another network'):
            guided = gr.Code(
                language='python',
                interactive=False,
                lines=6,
                show_label=False,
                elem_id='guided-config')
        return [html, trained, guided]

    def _connect(self, gr, page, found: Dict[str, Any],
                 shown: List[Any]) -> None:
        names = ('network', 'images', 'uploads', 'mixer', 'mixer_values',
                 'attention', 'attention_values', 'rule', 'rule_values',
                 'pairs', 'seed')
        inputs = [found[name] for name in names]
        quiet = dict(show_progress='hidden', api_visibility='private')
        found['network'].input(self._change_network,
                               [found['network'], found['images']],
                               [found['note'], found['images']], **quiet)
        found['upload'].upload(
            self._add_uploads,
            [found['upload'], found['uploads'], found['images']],
            [found['uploads'], found['images']], **quiet)
        found['again'].click(lambda seed: int(seed or 0) + 1, found['seed'],
                             found['seed'], **quiet)
        gr.on([page.load, *(found[name].change for name in names)],
              self.draw,
              inputs,
              shown,
              show_progress='minimal',
              show_progress_on=shown[0],
              trigger_mode='always_last',
              concurrency_limit=1,
              api_visibility='private')

    def _change_network(self, name: str, images: Sequence[str]) -> tuple:
        """The note of a network, and images that it knows, if the images are
        still those that another one was shown at first."""
        others = [
            self.first_images(other) for other in self.networks
            if other != name
        ]
        if images in others:
            images = self.first_images(name)
        return self.networks[name].note, images

    def _add_uploads(self, files: Sequence[str], uploads: Sequence[Picture],
                     chosen: Sequence[str]) -> tuple:
        gr = require_gradio()
        taken = {picture.name for picture in [*uploads, *self.pictures]}
        added = []
        for file in files or ():
            try:
                picture = from_upload(file)
            except MmmixError as error:
                gr.Warning(str(error), title='Not added')
                continue
            name, number = picture.name, 2
            while picture.name in taken:
                picture = Picture(f'{name} ({number})', picture.at)
                number += 1
            taken.add(picture.name)
            added.append(picture)
        uploads = [*uploads, *added][-MOST_UPLOADS:]
        names = [picture.name for picture in [*uploads, *self.pictures]]
        chosen = [
            n for n in [*(chosen or ()), *(p.name for p in added)]
            if n in names
        ]
        return uploads, gr.update(choices=names, value=chosen[-MOST_IMAGES:])


def _control(gr, kind: str, argument: Argument,
             start: Any) -> List[Tuple[Any, Any]]:
    """The controls of an argument, each with its key: its name or, of the
    ends of a range, its name and which end."""
    name, common = argument.name, dict(
        info=argument.help or None, interactive=True)
    place = f'{kind}-{name}'
    if argument.kind == 'switch':
        return [(name, gr.Checkbox(start, label=name, elem_id=place,
                                   **common))]
    if argument.kind in ('choice', 'part'):
        choices = [(one or 'none', one) for one in argument.choices]
        return [(name,
                 gr.Dropdown(
                     choices,
                     value=start or '',
                     label=name,
                     elem_id=place,
                     **common))]
    if argument.kind == 'text':
        shown = start if isinstance(start, str) else repr(start)
        return [(name,
                 gr.Textbox(
                     shown,
                     label=name,
                     max_length=200,
                     elem_id=place,
                     **common))]
    limits = dict(
        minimum=min(argument.low, *_numbers(start)),
        maximum=max(argument.high, *_numbers(start)),
        step=argument.step)
    if argument.kind == 'number':
        return [(name,
                 gr.Slider(
                     **limits,
                     value=start,
                     label=name,
                     elem_id=place,
                     **common))]
    return [((name, end),
             gr.Slider(
                 **limits,
                 value=start[end],
                 label=f'{name}, {word}',
                 elem_id=f'{place}-{word}',
                 **(common if end == 0 else dict(interactive=True))))
            for end, word in enumerate(('from', 'to'))]


def _numbers(start: Any) -> List[float]:
    return [*start] if isinstance(start, (tuple, list)) else [start, start]


def _changed(values: Dict[str, Dict], value: Any, part: str, key: Any,
             start: Any) -> Dict[str, Dict]:
    """The values of all parts with a changed one."""
    own = dict(values.get(part, {}))
    if isinstance(key, str):
        own[key] = value
    else:
        name, end = key
        own[name] = [*own.get(name, start)]
        own[name][end] = value
    return {**values, part: own}


def _seed(seed: Optional[float]) -> int:
    if seed is None or seed != int(seed) or seed < 0:
        raise MmmixError('The seed must be a whole number of at least 0, not '
                         f'{seed}.')
    return int(seed)


class Policy:
    """Adds :data:`POLICY` to the answers of an ASGI application."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):

        async def send_with_policy(event):
            if event['type'] == 'http.response.start':
                event['headers'] = [
                    *event.get('headers', ()),
                    (b'content-security-policy', POLICY.encode()),
                    (b'referrer-policy', b'no-referrer')
                ]
            await send(event)

        await self.app(scope, receive, send_with_policy)


def check_address(host: str, port: Optional[int] = None) -> None:
    """Raise a MmmixError if nothing can listen at an address; Gradio would
    try a hundred ports first."""
    if port is not None and not 0 < port < 2**16:
        raise MmmixError(f'A port is a number from 1 to 65535, not {port}.')
    try:
        family, *_, address = socket.getaddrinfo(
            host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        place = host if port is None else f'{host}:{port}'
        raise MmmixError(f'The playground cannot listen at {place}: '
                         f'{error}') from None


def serve(playground: Playground,
          host: str = '127.0.0.1',
          port: Optional[int] = None,
          wait: bool = True) -> Tuple[Any, str]:
    """Serve the page.

    Args:
        playground (Playground): The page.
        host (str): The address to listen at. Defaults to this machine alone.
        port (int, optional): Defaults to None, the first free one from 7860.
        wait (bool): Whether to go on serving until the process is
            interrupted. Defaults to True.

    Returns:
        tuple[Blocks, str]: The page and its address.

    Raises:
        MmmixError: See :func:`check_address`.
    """
    check_address(host, port)
    gr = require_gradio()
    from starlette.middleware import Middleware
    page = playground.page()
    fonts = dict(
        font=['system-ui', 'sans-serif'],
        font_mono=['ui-monospace', 'monospace'])
    _, address, _ = page.queue(api_open=False).launch(
        server_name=host,
        server_port=port,
        share=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        allowed_paths=[],
        max_file_size=UPLOAD_SIZE,
        show_error=False,
        quiet=True,
        footer_links=[],
        prevent_thread_lock=True,
        app_kwargs=dict(middleware=[Middleware(Policy)]),
        theme=gr.themes.Default(
            primary_hue='blue', neutral_hue='slate', **fonts),
        css=Path(__file__).with_name('style.css').read_text())
    if wait:
        print(f'The playground is at {address} (Ctrl-C ends it).', flush=True)
        page.block_thread()
    return page, address
