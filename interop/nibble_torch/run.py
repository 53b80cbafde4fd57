"""A run on its way through the epochs: from a file, and into one again (src/run, src/train.rs)."""

import time

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from . import checkpoint as files
from . import parallel, report
from .data import Images, load
from .layers import Batch
from .network import Network, layers_of
from .optimizer import OPTIMIZERS, Update, clip_factor
from .problem import Problem, choose
from .schedule import SCHEDULES
from .settings import Settings

TRAINING, REESTIMATING, TESTING, _, FINISHED = range(5)
AVERAGE = "average"
ARITHMETIC = "PyTorch"


class Diverged(Exception):
    """Loss or gradients are not finite; the run is as it was before the step."""


class Run:
    """A network in training. `network` is its `torch.nn.Module`; all processes that train together hold the same."""

    def __init__(self, checkpoint, dataset, device="cpu"):
        self.checkpoint, self.device = checkpoint, torch.device(device)
        self.settings = Settings(checkpoint.settings)
        self.rates_at = choose("schedule", SCHEDULES, self.settings.schedule)
        self.rule, slots = choose("optimizer", OPTIMIZERS, self.settings.optimizer)
        self.slot_names = [*slots, AVERAGE] if self.settings.ema > 0 else slots
        self.classes = checkpoint.about["data"]["classes"]
        self.images = Images(dataset, self.settings)
        self.network = Network(layers_of(self.settings.model), len(self.classes), self.settings)
        self._restore()
        self.network.to(self.device)
        self.model = self.network
        if parallel.processes() > 1:
            self.model = DistributedDataParallel(self.network)
            self.model.register_comm_hook(None, parallel.summed)
        self.network.fit()
        self.order = self.images.order(self.epoch)
        # The weights of the last step's forward pass.
        self.before = None

    @classmethod
    def load(cls, path, data=None, device="cpu"):
        """The run in a file. `data` is where its images lie, unless the file has them."""
        checkpoint = files.read(path)
        return cls(checkpoint, load(data, checkpoint), device)

    def _restore(self):
        """Takes the state of the file."""
        arrays, state = self.checkpoint.arrays, self.checkpoint.state

        def tensor(name, layer):
            values = torch.from_numpy(arrays[name].astype(np.float32))
            return layer.published(values.reshape(-1, values.shape[-1])) if layer else values

        try:
            self.slots, self.grad_norms = {}, {}
            for name, parameter, layer in self.network.named_state():
                parameter.data.copy_(tensor(name, layer))
                slots = {slot: tensor(f"{name}.{slot}", layer).contiguous() for slot in self.slot_names}
                self.slots[name] = {slot: values.to(self.device) for slot, values in slots.items()}
                self.grad_norms[name] = files.float_of(state[f"{name}.grad_norm"])
            for key, values in self._statistics():
                values.copy_(tensor(key, None))
            for name, quantizer in self._quantizers():
                quantizer.read_numbers(state, name)
            for node in self.network.nodes:
                if f"{node.name}.estimated_batches" in state:
                    node.chain[0].estimated_batches = state[f"{node.name}.estimated_batches"]
            self.step, self.optimizer_step, self.epoch = (state[key] for key in ("step", "optimizer_step", "epoch"))
            self.stage, self.position = state["stage"], state["position"]
            self.train = [files.float_of(state["train.loss"]), state["train.correct"], state["train.images"]]
            self.epoch_ms = files.float_of(state["epoch_ms"])
            self.flips = arrays["flips"].view("<f8")
            self.levels = [arrays[f"levels.{i}"].view("<u2") for i in range(len(self.network.weight_nodes))]
        except (KeyError, RuntimeError) as error:
            raise Problem("the run's file", f"the state of {self.settings.model} in these settings", error) from None
        if self.stage not in (TRAINING, FINISHED):
            self._begin_test()

    def _statistics(self):
        for node in self.network.nodes:
            for name, values in node.chain[0].named_buffers(recurse=False):
                yield f"{node.name}.{name}", values

    def _quantizers(self):
        """What keeps numbers, with the name that these stand under."""
        for node in self.network.nodes:
            if node.weights and node.weights.quantizer:
                yield f"{node.name}.weight", node.weights.quantizer
            if node.rounding:
                yield f"{node.name}.rounding", node.rounding

    @property
    def steps_per_epoch(self):
        whole, rest = divmod(len(self.order), self.settings.batch)
        return whole + (rest > 1)

    def rates(self, step):
        """The share of the learning rate, and the momentum."""
        settings = self.settings
        share, momentum = self.rates_at(
            step=step,
            steps=settings.epochs * self.steps_per_epoch,
            epoch=self.epoch,
            epochs=settings.epochs,
            warm_up=settings.warmup,
        )
        return share, settings.momentum if momentum is None else momentum

    @property
    def finished(self):
        return self.stage == FINISHED

    def advance(self):
        """Does a training step and gives its loss; or what ends an epoch, and gives the report of it."""
        start = time.monotonic()
        if self.stage != TRAINING:
            return self.end_epoch(start)
        loss = self.train_step()
        self.epoch_ms += 1e3 * (time.monotonic() - start)
        return loss

    def train_step(self):
        """One step on the next batch: the only place where its order is written."""
        settings, network = self.settings, self.network
        count = min(settings.batch, len(self.order) - self.position)
        mine = parallel.mine(count)
        x, labels = (torch.from_numpy(values) for values in self.images.train_batch(self.order, self.position, mine, self.epoch))
        x, labels = x.to(self.device), labels.long().to(self.device)

        network.train()
        network.fit()
        self.before = [node.weights.weight.detach().clone() for node in network.weight_nodes]
        network.zero_grad(set_to_none=True)
        logits = self.model(x, Batch(settings.seed, self.step, mine.start))
        losses = cross_entropy(logits, labels, settings.smoothing)
        (losses / count).sum().backward()

        hits = (logits.argmax(1) == labels).double().sum()
        loss, hits = parallel.total(torch.stack([losses.detach().double().sum(), hits])).tolist()
        norm = self._gradient_norm()
        if not (np.isfinite(loss) and np.isfinite(norm)):
            raise Diverged(f"step {self.step + 1}: expected finite numbers, found loss {loss / count}, gradient norm {norm}")
        self._update(norm)
        network.end_step()
        self.checkpoint.about["arithmetic"] = ARITHMETIC
        self.step += 1
        self.optimizer_step += 1
        self.train = [self.train[0] + loss, self.train[1] + int(hits), self.train[2] + count]
        self.checkpoint.arrays[files.LOSSES] = np.append(self.checkpoint.arrays[files.LOSSES], loss / count)
        self.position += count
        if len(self.order) - self.position <= 1:
            self._begin_test()
        return loss / count

    def _gradient_norm(self):
        squares = 0.0
        for name, parameter, _ in self.network.named_state():
            square = parameter.grad.double().square().sum().item()
            self.grad_norms[name] = square**0.5
            squares += square
        return squares**0.5

    @torch.no_grad()
    def _update(self, norm):
        """Every parameter by its role."""
        settings = self.settings
        share, momentum = self.rates(self.step)
        scale = clip_factor(norm, settings.clipnorm) if settings.clip else 1.0
        for name, parameter, layer in self.network.named_state():
            lr, decay, clip = settings.lr * share, settings.decay, None
            match parameter.role:
                case "weight":
                    clip = settings.tanhlimit if settings.tanh else None
                case "bias" | "norm":
                    lr *= settings.normrate
                    decay = decay if settings.decaynorms else 0.0
                case "step":
                    lr = settings.steplr * share
            at = Update(self.optimizer_step + 1, lr, momentum, decay if parameter.decays else 0.0, scale, clip)
            self.rule(parameter, parameter.grad, self.slots[name], at, layer)
            if AVERAGE in self.slots[name]:
                _average(self.slots[name][AVERAGE], parameter, settings.ema)

    def _begin_test(self):
        self.stage = REESTIMATING if self.settings.reestimate else TESTING
        self.position = 0

    @torch.no_grad()
    def end_epoch(self, start):
        """Estimates statistics where that is asked for, tests, and reports."""
        flips = self._settled_flips()
        self._estimate()
        logits, labels = self._tested()
        records = report.predictions(logits, labels)
        test = _figures(logits, labels)
        average = self._tested_average()
        now = [report.levels(node.weights) for node in self.network.weight_nodes]
        self.epoch_ms += 1e3 * (time.monotonic() - start)
        count = max(self.train[2], 1)
        epoch = {
            "epoch": self.epoch + 1,
            "lr": self.settings.lr * self.rates(max(self.step - 1, 0))[0],
            "trainLoss": self.train[0] / count,
            "trainAccuracy": self.train[1] / count,
            "testLoss": test[0],
            "testAccuracy": test[1],
            **({"average": dict(zip(("testLoss", "testAccuracy"), average))} if average else {}),
            "confusion": report.confusion(records, len(self.classes)),
            "layers": [
                report.layer(node.name, node.weights, flip, report.flipped(*pair), self.grad_norms[f"{node.name}.weight"])
                for node, flip, *pair in zip(self.network.weight_nodes, flips, now, self.levels)
            ],
            "secs": self.epoch_ms / 1e3,
        }
        report.add(self.checkpoint, epoch)
        self.checkpoint.arrays["tested"] = records.view(np.uint8)
        self.levels = now
        self.epoch += 1
        self.position, self.train, self.epoch_ms = 0, [0.0, 0, 0], 0.0
        self.stage = TRAINING if self.epoch < self.settings.epochs else FINISHED
        if self.stage == TRAINING:
            self.order = self.images.order(self.epoch)
        return epoch

    def _estimate(self):
        """Statistics of batch norm over training batches, drawn by a stream of their own."""
        mine = parallel.mine(self.settings.batch)
        self.network.fit()
        self.network.train()
        for number in range(self.settings.reestimate):
            x = torch.from_numpy(self.images.drawn_batch(self.epoch, number, mine))
            self.network(x.to(self.device), Batch(self.settings.seed, 0, mine.start))
            for norm in self.network.batch_norms:
                norm.estimate(number)

    def _tested(self):
        """Logits and classes of all test images."""
        total = len(self.images.test.labels)
        mine = parallel.mine(total)
        self.network.fit()
        self.network.eval()
        parts = [torch.zeros((0, len(self.classes)), device=self.device)]
        for first in range(mine.start, mine.stop, self.settings.batch):
            places = slice(first, min(first + self.settings.batch, mine.stop))
            x, _ = self.images.test_batch(places)
            parts.append(self.network(torch.from_numpy(x).to(self.device)))
        logits = parallel.gathered(torch.cat(parts), total)
        return logits.cpu().numpy(), self.images.test.labels.astype(np.int64)

    def _tested_average(self):
        """Loss and accuracy with the averages in the place of the weights; `None` before the first step of an average."""
        averages = {name: slots.get(AVERAGE) for name, slots in self.slots.items()}
        if any(average is None or average.isnan().any() for average in averages.values()):
            return None
        kept = {name: values.clone() for name, values in self.network.state_dict().items()}
        batches = [norm.estimated_batches for norm in self.network.batch_norms]
        for name, parameter, _ in self.network.named_state():
            parameter.copy_(averages[name])
        self._estimate()
        figures = _figures(*self._tested())
        self.network.load_state_dict(kept)
        for norm, count in zip(self.network.batch_norms, batches):
            norm.estimated_batches = count
        self.network.fit()
        return figures

    def _settled_flips(self):
        """Brings the grids up to date, and tells which share of each tensor the last step moved to another level."""
        if self.before is not None:
            nodes = self.network.weight_nodes
            now = [node.weights.weight.detach().clone() for node in nodes]
            self._put_weights(self.before)
            before = [report.levels(node.weights) for node in nodes]
            self._put_weights(now)
            self.network.fit()
            after = [report.levels(node.weights) for node in nodes]
            self.flips = np.array([report.flipped(*pair) for pair in zip(after, before)])
            self.before = None
        return self.flips if len(self.flips) else np.zeros(len(self.network.weight_nodes))

    @torch.no_grad()
    def _put_weights(self, weights):
        for node, weight in zip(self.network.weight_nodes, weights):
            node.weights.weight.copy_(weight)

    def save(self, path, images=False):
        """Writes the run to a file that Nibble goes on with; with its images where asked for. Every process calls it, one
        writes."""
        self._settled_flips()
        arrays, state = self.checkpoint.arrays, self.checkpoint.state

        def put(name, values, layer=None):
            values = (layer.stored(values) if layer else values).detach().cpu().contiguous().numpy()
            arrays[name] = values.reshape(arrays[name].shape)

        for name, parameter, layer in self.network.named_state():
            put(name, parameter, layer)
            for slot, values in self.slots[name].items():
                put(f"{name}.{slot}", values, layer)
            state[f"{name}.grad_norm"] = files.bits_of(self.grad_norms[name])
        for name, values in self._statistics():
            put(name, values)
        for name, quantizer in self._quantizers():
            quantizer.write_numbers(state, name)
        for node in self.network.nodes:
            if f"{node.name}.estimated_batches" in state:
                state[f"{node.name}.estimated_batches"] = node.chain[0].estimated_batches
        state.update(step=self.step, optimizer_step=self.optimizer_step, epoch=self.epoch)
        state.update(stage=self.stage, position=self.position)
        state.update({"train.correct": self.train[1], "train.images": self.train[2], "test.correct": 0, "test.images": 0})
        for name, value in (("train.loss", self.train[0]), ("test.loss", 0.0), ("epoch_ms", self.epoch_ms)):
            state[name] = files.bits_of(value)
        arrays["testing"] = np.zeros(0, np.uint8)
        arrays["flips"] = np.asarray(self.flips, "<f8").view(np.uint8)
        for i, levels in enumerate(self.levels):
            arrays[f"levels.{i}"] = levels.view(np.uint8)
        if parallel.number() == 0:
            files.write(self.checkpoint, path, images)
        if parallel.processes() > 1:
            dist.barrier()


def cross_entropy(logits, labels, smoothing):
    """Of each image, against targets of which the share `smoothing` goes to all classes alike."""
    logarithms = logits.log_softmax(1)
    right = -logarithms.gather(1, labels[:, None]).squeeze(1)
    if smoothing == 0:
        return right
    kept = float(1 - torch.tensor(smoothing))
    return kept * right - (1 - kept) * logarithms.mean(1)


def _figures(logits, labels):
    """Mean loss and the share that is classified rightly."""
    logits, labels = torch.from_numpy(logits), torch.from_numpy(labels)
    losses = cross_entropy(logits, labels, 0)
    return losses.double().mean().item(), (logits.argmax(1) == labels).double().mean().item()


def _average(average, value, keep):
    if average.reshape(-1)[0].isnan():
        average.copy_(value)
    else:
        keep = torch.tensor(keep)
        average.copy_(average * keep.item() + (1.0 - keep).item() * value)
