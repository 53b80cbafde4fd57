"""The processes that train together: each has a part of every batch, in the order of the processes."""

import torch
import torch.distributed as dist


def processes():
    return dist.get_world_size() if dist.is_initialized() else 1


def number():
    """Of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def mine(count):
    """The part of `count` things that is this process's; the first processes have one more where they do not divide."""
    each, more = divmod(count, processes())
    start = number() * each + min(number(), more)
    return slice(start, start + each + (number() < more))


def total(x):
    """The sum over all processes."""
    return _reduced(x, dist.ReduceOp.SUM)


def largest(x):
    return _reduced(x, dist.ReduceOp.MAX)


def smallest(x):
    return _reduced(x, dist.ReduceOp.MIN)


def _reduced(x, operation):
    if processes() > 1:
        x = x.clone()
        dist.all_reduce(x, operation)
    return x


def gathered(x, count):
    """Rows that every process has its part of, `count` in all, in order."""
    if processes() == 1:
        return x
    whole = x.new_zeros((count, *x.shape[1:]))
    whole[mine(count)] = x
    return total(whole)


def summed(state, bucket):
    """Has DistributedDataParallel sum gradients where it would take their mean: each process's loss is its images' share of
    the batch's mean."""
    work = dist.all_reduce(bucket.buffer(), async_op=True).get_future()
    return work.then(lambda future: future.value()[0])
