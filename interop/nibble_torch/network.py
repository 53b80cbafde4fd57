"""A network from a list of layers, which may be a graph (src/model). Layers that the engine computes together are one node here
too: names in a file, roundings of activations and the numbers of layers hang on that."""

import json
from collections import Counter
from importlib import resources

import torch
from torch import nn

from . import layers
from .problem import Problem, choose
from .quant import activations, gradients, weights

IMAGE = (3, 32, 32)
# By type: the stem of its name, and how many inputs it has.
KINDS = {
    "conv2d": ("conv", 1),
    "linear": ("linear", 1),
    "batch_norm": ("bn", 1),
    "relu": ("relu", 1),
    "max_pool": ("", 1),
    "global_avg_pool": ("", 1),
    "flatten": ("", 1),
    "dropout": ("", 1),
    "add": ("", 2),
    "projection": ("projection", 1),
}
# Chains that are computed together, the longest first (src/model/fusions.rs).
CHAINS = (
    ("batch_norm", "relu", "add"),
    ("batch_norm", "relu", "max_pool"),
    ("batch_norm", "add"),
    ("batch_norm", "max_pool"),
    ("batch_norm", "relu"),
)
OWN_KEYS = {"type", "id", "from", "inputs"}


def layers_of(model):
    """The list of layers of a registered network."""
    folder = resources.files(__package__) / "models"
    if not folder.is_dir():
        raise Problem(folder, "the networks of src/models, by a link", "none: check the repository out with links")
    files = {file.name.removesuffix(".json"): file for file in folder.iterdir() if file.name.endswith(".json")}
    return json.loads(choose("model", dict(sorted(files.items())), model).read_text())


class Node(nn.Module):
    """A chain of layers. Inputs are numbers of nodes, -1 the images."""

    def __init__(self, kind, name, inputs, chain):
        super().__init__()
        self.kind, self.name, self.inputs = kind, name, inputs
        self.chain = nn.ModuleList(chain)
        self.rounding, self.gradients = None, None

    @property
    def shape(self):
        return self.chain[-1].shape

    @property
    def rectified(self):
        return any(isinstance(layer, layers.Relu) for layer in self.chain)

    @property
    def weights(self):
        """The layer with weights, if it is one."""
        return self.chain[0] if isinstance(self.chain[0], layers.Weights) else None

    def forward(self, number, values, batch):
        x, *others = values
        for layer in self.chain:
            x = layer(x, batch, others.pop(0)) if isinstance(layer, layers.Add) else layer(x, batch)
        if self.rounding:
            x = self.rounding(x)
        return gradients.rounded(x, self.gradients, number, batch) if self.gradients else x


class Network(nn.Module):
    """The network of a run: `network(images)` gives logits; in training `batch` says which step and part of a batch it is."""

    def __init__(self, specs, classes, settings):
        super().__init__()
        self.settings = settings
        links = _link(specs)
        counts, node_of, nodes = Counter(), {}, []
        for place, (spec, inputs, _) in enumerate(links):
            if place in node_of:
                continue
            shapes = [nodes[node_of[at]].shape if at >= 0 else IMAGE for at in inputs]
            chain = _chain(links, place, shapes[0], lambda at: nodes[node_of[at]].shape)
            made = [_make(spec, shapes, place, classes, settings)]
            for at in chain[1:]:
                made.append(_make(links[at][0], [made[-1].shape] * 2, at, classes, settings))
                inputs = inputs + links[at][1][1:]
            kind = spec["type"]
            counts[kind] += 1
            stem = KINDS[kind][0]
            name = f"{stem}{counts[kind]}" if stem else kind
            nodes.append(Node(kind, name, [node_of[at] if at >= 0 else -1 for at in inputs], made))
            node_of.update(dict.fromkeys(chain, len(nodes) - 1))
        self.nodes = nn.ModuleList(nodes)
        if nodes[-1].shape != (classes, 1, 1):
            raise Problem("last layer", f"an output of {classes} classes", f"shape {nodes[-1].shape}")
        self._quantize(settings)

    def _quantize(self, settings):
        """Puts quantizers where the settings say."""
        with_weights = [node for node in self.nodes if node.weights]
        rectified = [node for node in self.nodes if node.rectified]
        names = [node.name for node in with_weights]
        for field, of in (("bits", settings.bits.layers), ("layers", settings.layers)):
            for unknown in of.keys() - set(names):
                raise Problem(field, ", ".join(names), unknown)
        for node in with_weights:
            ends = settings.ends if node in (with_weights[0], with_weights[-1]) else "same"
            is_named = node.name in settings.bits.layers or settings.is_own(node.name, "quantizer", "granularity")
            of_weights = "same" if is_named else ends
            quantizer = settings.of(node.name, "quantizer")
            scheme, bits = _end(of_weights, weights.SCHEMES, quantizer, settings.bits.of(node.name), "symmetric")
            layer = node.weights
            rows, outputs = layer.stored(layer.weight).shape
            layer.quantizer = weights.make(scheme, bits, settings.of(node.name, "granularity"), rows, outputs)
            layer.straight_through = settings.ste
            scheme, bits = _in_levels(settings, settings.gradients, settings.gradbits, "symmetric")
            scheme, bits = _end(ends, gradients.SCHEMES, scheme, bits, "affine")
            node.gradients = gradients.make(scheme, bits)
        layer = None
        for node in self.nodes:
            layer = node.name if node.weights else layer
            if not node.rectified:
                continue
            is_named = settings.is_own(layer, "activations", "actbits")
            ends = settings.ends if node is rectified[-1] and not is_named else "same"
            scheme, bits = settings.of(layer, "activations"), settings.of(layer, "actbits")
            scheme, bits = _in_levels(settings, scheme, bits, "affine")
            scheme, bits = _end(ends, activations.SCHEMES, scheme, bits, "affine")
            node.rounding = activations.make(scheme, bits, settings)

    def forward(self, x, batch=layers.Batch()):
        values = []
        for number, node in enumerate(self.nodes):
            values.append(node(number, [values[at] if at >= 0 else x for at in node.inputs], batch))
        return values[-1]

    @property
    def weight_nodes(self):
        return [node for node in self.nodes if node.weights]

    @property
    def batch_norms(self):
        return [module for module in self.modules() if isinstance(module, layers.BatchNorm)]

    @torch.no_grad()
    def fit(self):
        """Finds the grids of the present weights; before a pass."""
        with_weights = [node.weights for node in self.weight_nodes]
        share = [node.weights for node in self.weight_nodes if self.settings.of(node.name, "granularity") == "net"]
        ends = [layer.weight.aminmax() for layer in share if layer.quantizer]
        for layer in share:
            layer.net = [torch.stack(ends).aminmax()[i] for i, ends in enumerate(zip(*ends))] or None
        for layer in with_weights:
            layer.fit()

    def end_step(self):
        """The step is accepted: statistics and ranges of its pass are kept."""
        for norm in self.batch_norms:
            norm.end_step()
        for node in self.nodes:
            if node.rounding:
                node.rounding.end_step()

    def named_state(self):
        """Every parameter by its name in a file, with its layer where it is one of weights."""
        for node in self.nodes:
            for layer in node.chain:
                for name, parameter in layer.named_parameters():
                    # `quantizer.log_step.logs` is `weight.log_step`.
                    name = name.replace("quantizer.", "weight.").removesuffix(".logs")
                    of_weights = isinstance(layer, layers.Weights) and name == "weight"
                    yield f"{node.name}.{name}", parameter, layer if of_weights else None
            if node.rounding:
                for name, parameter in node.rounding.named_parameters():
                    yield f"{node.name}.rounding.{name.removesuffix('.logs')}", parameter, None


def _end(ends, schemes, scheme, bits, plain):
    """The scheme and the bits of the first or the last layer (src/quant/ends.rs)."""
    if ends == "full":
        return "none", 8
    if ends == "8":
        return (scheme if 8 in choose("scheme", schemes, scheme)[1] else plain), 8
    return scheme, bits


def _in_levels(settings, scheme, bits, other):
    """The scheme and its bits, or another with 8 where the engine computes in integers and it leaves values as they are."""
    return (other, 8) if settings.compute == "int8" and scheme == "none" else (scheme, bits)


def _link(specs):
    """Each layer with the places of its inputs (-1: the images) and of its readers."""
    ids, links = {"image": -1}, []
    for place, spec in enumerate(specs):
        kind = spec.get("type")
        what = f"layer {place} ({kind})"
        if kind not in KINDS:
            raise Problem(what, ", ".join(KINDS), kind)

        def named(id):
            if id not in ids:
                raise Problem(what, "the id of an earlier layer", id)
            return ids[id]

        inputs = [named(id) for id in spec["inputs"]] if "inputs" in spec else [place - 1]
        if "from" in spec:
            inputs.append(named(spec["from"]))
        if len(inputs) != KINDS[kind][1]:
            raise Problem(what, f"{KINDS[kind][1]} inputs", len(inputs))
        for at in inputs:
            if at >= 0:
                links[at][2].append(place)
        if "id" in spec:
            ids[spec["id"]] = place
        links.append((spec, inputs, []))
    return links


def _chain(links, first, shape, shape_of):
    """The places of the layers that are computed together from that one on."""
    for kinds in CHAINS:
        chain = [first]
        for place, kind in enumerate(kinds):
            spec, _, readers = links[chain[-1]]
            if spec["type"] != kind:
                break
            if place + 1 == len(kinds):
                if kind == "max_pool" and min(shape[1:]) < 2:
                    break
                return chain
            if len(readers) != 1:
                break
            next_spec, (next_first, *others), _ = links[readers[0]]
            ready = all(0 <= other < first and shape_of(other) == shape for other in others)
            if next_first != chain[-1] or not ready or next_spec.keys() - OWN_KEYS:
                break
            chain.append(readers[0])
    return [first]


def _make(spec, shapes, place, classes, settings):
    kind, shape = spec["type"], shapes[0]
    own = {key: value for key, value in spec.items() if key not in OWN_KEYS}
    try:
        match kind:
            case "conv2d":
                return layers.Conv2d(shape, **own)
            case "projection":
                return layers.Projection(shape, **own)
            case "linear":
                return layers.Linear(shape, own.pop("out", classes), **own)
            case "batch_norm":
                return layers.BatchNorm(shape, settings.bnmomentum, settings.reestimate > 0, **own)
            case "dropout":
                return layers.Dropout(shape, own.pop("p", settings.dropout), place, **own)
            case "relu":
                return layers.Relu(shape, **own)
            case "max_pool":
                return layers.MaxPool(shape, **own)
            case "global_avg_pool":
                return layers.GlobalAvgPool(shape, **own)
            case "flatten":
                return layers.Flatten(shape, **own)
            case "add":
                return layers.Add(shape, **own)
    except TypeError as error:
        raise Problem(f"layer {place} ({kind})", "its settings", f"{own} ({error})") from None
