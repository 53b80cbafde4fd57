//! What data must be alike everywhere: for the native tests and for those in the browser.

use nibble::Tensor;
use nibble::data::{Augment, Dataset, Decoder, Gathering, PAD, epoch_order, fill_batch, synthetic};
use std::rc::Rc;

/// The drawn images, the order of an epoch and the random crops are the same bytes on every platform.
pub fn random_data_is_the_same_everywhere() {
    let set = synthetic::generate(100, 50, synthetic::SEED).unwrap();
    // A change of these bytes changes every published curve of the built-in set: do it knowingly.
    assert_eq!(set.fingerprint(), "ac938cef");
    assert_ne!(set.fingerprint(), synthetic::generate(100, 50, synthetic::SEED + 1).unwrap().fingerprint());
    assert_eq!(epoch_order(10, 1, 1), [4, 2, 9, 0, 7, 6, 3, 1, 5, 8]);

    let (mut x, mut labels) = (Tensor::default(), Vec::new());
    let augment =
        Augment { seed: 1, epoch: 2, position: 3, reach: PAD, alternating: false, reflecting: false };
    fill_batch(&set.train, &[5, 50, 95], Some(augment), &set.normalize(), 1, &mut x, &mut labels);
    let mut sum = crc32fast::Hasher::new();
    x.data().iter().for_each(|value| sum.update(&value.to_le_bytes()));
    assert_eq!((labels, format!("{:08x}", sum.finalize())), (vec![5, 0, 5], "6bd13b9c".into()));
}

/// A pickled batch reads, alone and from an archive.
pub fn pickles_read() {
    let pickle = include_bytes!("../fixtures/pickles/cifar10-python2.pickle").as_slice();
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(pickle.len() as u64);
    archive.append_data(&mut header, "cifar-10-batches-py/test_batch", pickle).unwrap();
    let archive = archive.into_inner().unwrap();

    let set = load(&[("data_batch_1", pickle), ("cifar-10-python.tar", &archive)]).unwrap();
    assert_eq!(set.train.labels, [3, 9]);
    assert_eq!(set.train, set.test);
    assert_eq!(set.train.image(1)[..3], [31, 38, 45]);
}

/// The data set of these files, none of them a picture.
pub fn load(files: &[(&str, &[u8])]) -> nibble::Result<Dataset> {
    let mut gathering = Gathering::new(Decoder { name: "nobody" });
    files.iter().for_each(|(name, bytes)| gathering.add(name, Rc::new(bytes.to_vec())));
    Ok(gathering.plan(&mut |_| {})?.finish()?.0)
}
