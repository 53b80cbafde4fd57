//! A run that goes on in PyTorch, on as many processes as there are: the saved run with its images, which the package in
//! interop/ reads, trains and saves again.

use super::{Artifact, Network, Target};
use crate::registry::Entry;
use crate::{Error, Result};

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "pytorch",
        label: "PyTorch",
        about: "The run with its images, to train on in PyTorch, in several processes or on GPUs, and to bring back",
    },
    engine: false,
    images: false,
    whole: true,
    needs: "the package in interop/ of Nibble's repository (pip install ./interop)",
    run: "torchrun --nproc-per-node=2 -m nibble_torch.train --resume \"{file}\" --out trained.nibble.safetensors",
    write,
};

fn write(network: &Network) -> Result<Artifact> {
    if network.run.is_empty() {
        return Err(Error::Data {
            file: "run".into(),
            expected: "a saved run".into(),
            found: "a network alone".into(),
        });
    }
    Ok(Artifact::file("pytorch.nibble.safetensors", "application/octet-stream", network.run.clone()))
}
