//! Commands that look at saved runs: `inspect`, `eval`, `predict`, `diff` and `export`.

use std::fs;
use std::path::Path;

use image::{ExtendedColorType, ImageEncoder, Rgba, RgbaImage};
use nibble::data::{SIDE, synthetic};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn a_file_says_what_it_is() {
    let folder = folder("inspect");
    let trained = done(&folder, &format!("{TINY} --epochs 2 --bits 3 --out {OUT}"));
    let said = done(&folder, &format!("inspect {OUT}"));
    let begins = [
        "file      format 1, by Nibble ",
        "checksum  holds",
        "settings  model=convnetjs_cifar10 batch=32 bits=3 epochs=2",
        "images    Shapes and textures: 160 to train on, 100 to test on, 10 classes, CRC-32 ",
        "steps     10, the last ones by ",
    ];
    assert_eq!(said.len(), begins.len() + 2, "{said:?}");
    for (line, begin) in said.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    for (told, line) in said[5..].iter().zip(&trained) {
        assert!(line.starts_with(&format!("{told}, ")), "{told}: {line}");
    }
    let mut file = fs::read(folder.join(OUT)).unwrap();
    *file.last_mut().unwrap() ^= 1;
    fs::write(folder.join(OUT), &file).unwrap();
    assert_eq!(done(&folder, &format!("inspect {OUT}"))[1], "checksum  does not match: the file was changed");
    file.pop();
    fs::write(folder.join(OUT), &file).unwrap();
    refused(&folder, &format!("inspect {OUT}"), 1, "its end after ");
    refused(&folder, "inspect", 2, "the following required arguments were not provided: <FILE>");
    refused(&folder, "eval none", 1, "none: expected a readable file");
}

#[test]
fn what_is_told_is_told_in_json_too() {
    let folder = folder("json-too");
    done(&folder, &format!("{TINY} --epochs 1 --bits 3 --out {OUT}"));
    let [told] = &json(&folder, &format!("inspect {OUT}"))[..] else { panic!("one line") };
    assert_eq!(
        (&told["kind"], &told["intact"], &told["steps"]),
        (&json!("checkpoint"), &json!(true), &json!(5))
    );
    assert_eq!((&told["settings"]["bits"], &told["data"]["images"]), (&json!("3"), &json!([160, 100])));
    let [tested] = &json(&folder, &format!("eval {OUT}"))[..] else { panic!("one line") };
    assert_eq!((&tested["kind"], &tested["images"]), (&json!("evaluation"), &json!(100)));
    let [mirrored] = &json(&folder, &format!("eval {OUT} --mirrored"))[..] else { panic!("one line") };
    assert_eq!((&tested["mirrored"], &mirrored["mirrored"]), (&json!(false), &json!(true)));
    assert_ne!(tested["loss"], mirrored["loss"]);
    let aside = "aside.nibble.safetensors";
    done(&folder, &format!("{TINY} --epochs 1 --holdout 60 --out {aside}"));
    for (flags, images, said) in
        [("", 60, "60 images kept aside: "), (" --test-set", 100, "100 test images: ")]
    {
        let [tested] = &json(&folder, &format!("eval {aside}{flags}"))[..] else { panic!("one line") };
        assert_eq!(tested["images"], json!(images));
        assert!(done(&folder, &format!("eval {aside}{flags}"))[0].starts_with(said));
    }

    let [both] = &json(&folder, &format!("eval {OUT} --integers"))[..] else { panic!("one line") };
    let (alike, others) = (both["alike"].as_u64().unwrap(), both["others"].as_array().unwrap());
    assert_eq!((&both["images"], alike + others.len() as u64), (&json!(100), 100));
    assert!(alike >= 90, "{alike}");
    let lines = done(&folder, &format!("eval {OUT} --integers"));
    assert_eq!(lines.len(), 1 + others.len());
    assert!(lines[others.len()].ends_with(&format!("the same answer to {alike}")), "{lines:?}");

    let packed = "packed.nibble.safetensors";
    let said = done(&folder, &format!("pack {OUT} --out {packed}"));
    let bytes = |name: &str| std::fs::metadata(folder.join(name)).unwrap().len();
    assert_eq!(said, [format!("{} bytes, of {}; saved to {packed}", bytes(packed), bytes(OUT))]);
    let [again] = &json(&folder, &format!("eval {packed}"))[..] else { panic!("one line") };
    assert_eq!(again["accuracy"], tested["accuracy"]);
    // Another batch size: sums are rounded in another order.
    let away = tested["loss"].as_f64().unwrap() - told["epochs"][0]["testLoss"].as_f64().unwrap();
    assert!(away.abs() < 1e-5, "{away}");
    assert_eq!(tested["accuracy"], told["epochs"][0]["testAccuracy"]);
}

/// What a run takes some pictures for.
fn taken(folder: &Path, pictures: &str) -> Vec<Value> {
    let lines = json(folder, &format!("predict {OUT} {pictures} --top 10"));
    lines.into_iter().map(|mut line| line["top"].take()).collect()
}

#[test]
fn a_picture_of_a_test_image_is_taken_for_what_the_test_image_is() {
    let folder = folder("predict");
    done(&folder, &format!("{TINY} --epochs 2 --out {OUT}"));
    let test = synthetic::generate(160, 100, synthetic::SEED).unwrap().test;
    let side = SIDE as u32;
    RgbaImage::from_raw(side, side, test.rgba(7)).unwrap().save(folder.join("seven.png")).unwrap();
    let [picture, image] = &taken(&folder, "seven.png --test-image 7")[..] else { panic!("two lines") };
    assert_eq!(picture, image);
    let total: f64 = picture.as_array().unwrap().iter().map(|one| one["probability"].as_f64().unwrap()).sum();
    // Ten roundings of an f32.
    assert!((total - 1.0).abs() < 1e-6, "{total}");

    let told = done(&folder, &format!("predict {OUT} --test-image 7 --test-image 8 --top 2 seven.png"));
    let after: Vec<_> = told.iter().map(|line| line.split_once(": ").unwrap()).collect();
    let class = |i: usize| synthetic::CLASSES[usize::from(test.label(i))];
    assert_eq!(after[0].0, "seven.png");
    assert_eq!(after[1], (&*format!("test image 7 ({})", class(7)), after[0].1));
    assert_eq!(after[2].0, format!("test image 8 ({})", class(8)));
    assert!(after.iter().all(|(_, classes)| classes.matches(" %").count() == 2), "{told:?}");
}

/// Differs from pixel to pixel, also in what shines through.
fn noise(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let byte = |c: u32| ((x * 31 + y * 57 + c * 101 + x * y) % 256) as u8;
        Rgba([byte(0), byte(1), byte(2), byte(3)])
    })
}

#[test]
fn a_picture_of_any_size_counts_by_the_means_of_the_square_in_its_middle() {
    let folder = folder("square");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let picture = noise(61, 48);
    picture.save(folder.join("large.png")).unwrap();
    // 48 pixels to 32: three of two copies each.
    let white = |[r, g, b, a]: [u8; 4]| {
        let share = f64::from(a) / 255.0;
        [r, g, b].map(|value| (f64::from(value) * share + 255.0 * (1.0 - share)).round())
    };
    let small = RgbaImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
        let mut sums = [0.0; 3];
        for (i, j) in (0..9).map(|at| (at % 3, at / 3)) {
            let pixel = picture.get_pixel(6 + (3 * x + i) / 2, (3 * y + j) / 2);
            sums.iter_mut().zip(white(pixel.0)).for_each(|(sum, value)| *sum += value);
        }
        let [r, g, b] = sums.map(|sum| (sum / 9.0).round_ties_even() as u8);
        Rgba([r, g, b, 255])
    });
    small.save(folder.join("small.png")).unwrap();
    let [large, small] = &taken(&folder, "large.png small.png")[..] else { panic!("two lines") };
    assert_eq!(large, small);
}

#[test]
fn a_photograph_is_seen_the_way_up_that_its_camera_was_held() {
    let folder = folder("photograph");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let picture = noise(40, 40);
    let rgb: Vec<u8> = picture.pixels().flat_map(|pixel| pixel.0[..3].to_vec()).collect();
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    // TIFF, little-endian, with one entry: the orientation (0x112), a short, 6, to be turned a quarter clockwise.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.write_image(&rgb, 40, 40, ExtendedColorType::Rgb8).unwrap();
    fs::write(folder.join("photograph.jpg"), &bytes).unwrap();
    let lying = image::load_from_memory(&bytes).unwrap();
    lying.save(folder.join("lying.png")).unwrap();
    lying.rotate90().save(folder.join("standing.png")).unwrap();
    let told = taken(&folder, "photograph.jpg standing.png lying.png");
    assert_eq!(told[0], told[1]);
    assert_ne!(told[0], told[2]);
}

#[test]
fn a_picture_that_cannot_be_read_is_told_and_the_others_go_on() {
    let folder = folder("unread");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    noise(32, 32).save(folder.join("good.png")).unwrap();
    let good = fs::read(folder.join("good.png")).unwrap();
    fs::write(folder.join("half.png"), &good[..good.len() / 2]).unwrap();
    fs::write(folder.join("text.png"), "no picture").unwrap();
    // Behind the signature: a length, IHDR, width and height, five bytes more, and the sum of all but the length.
    let mut vast = good;
    vast[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&vast[12..29]);
    vast[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    fs::write(folder.join("vast.png"), vast).unwrap();
    let told = tell(&folder, &format!("predict {OUT} none.png half.png good.png text.png vast.png ."));
    assert_eq!((told.code, told.out.len(), told.err.len()), (Some(1), 1, 5), "{:?}", told.err);
    assert!(told.out[0].starts_with("good.png: "), "{:?}", told.out);
    for (line, begin) in told.err.iter().zip([
        "none.png: expected a readable file, found No such file",
        "half.png: expected a picture (PNG or JPEG), found ",
        "text.png: expected a picture (PNG or JPEG), found ",
        "vast.png: expected a picture that takes at most 512 MiB in memory, found a larger one",
        ".: expected a readable file, found Is a directory",
    ]) {
        assert!(line.starts_with(&format!("nibble: {begin}")), "{line}");
    }
    refused(&folder, &format!("predict {OUT}"), 2, "<PICTURE|--test-image <N>>");
    refused(
        &folder,
        &format!("predict {OUT} --test-image 100"),
        2,
        "--test-image: expected 0 to 99, found 100",
    );
}

#[test]
fn only_what_looks_at_images_needs_those_of_the_run() {
    let folder = folder("without-images");
    write_batches(&folder.join("cifar"));
    let run = format!("train --batch 32 --epochs 1 --model convnetjs_cifar10 --data cifar --out {OUT}");
    assert_eq!(tell(&folder, &run).code, Some(0));
    noise(32, 32).save(folder.join("picture.png")).unwrap();
    let told = done(&folder, &format!("predict {OUT} picture.png --top 10"));
    assert!(told[0].contains("airplane "), "{told:?}");
    done(&folder, &format!("diff {OUT} {OUT}"));
    done(&folder, &format!("export {OUT} --to json"));
    let asked = format!("{OUT}: expected CIFAR-10, which it was trained on (--data PATH");
    refused(&folder, &format!("predict {OUT} --test-image 1"), 2, &asked);
    refused(&folder, &format!("eval {OUT}"), 2, &asked);

    // Here the images tell how pixels are normalised.
    let own = run.replace(OUT, "own") + " --normalization own";
    assert_eq!(tell(&folder, &own).code, Some(0));
    refused(&folder, "predict own picture.png", 2, "expected CIFAR-10, which it was trained on");
}

#[test]
fn an_export_overwrites_nothing_unasked() {
    let folder = folder("export");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let export = format!("export {OUT} --to json");
    let told = done(&folder, &export);
    let artifact = fs::read(folder.join("run.json")).unwrap();
    assert_eq!(told[0], format!("{} bytes; saved to run.json", artifact.len()));
    assert!(told[1].starts_with("Needs: ") && told[2].contains("open('run.json')"), "{told:?}");
    let network: Value = serde_json::from_slice(&artifact).unwrap();
    assert_eq!((&network["format"], &network["classes"][0]), (&json!("nibble.lowered"), &json!("disc")));
    fs::write(folder.join("run.json"), "mine").unwrap();
    let sentence = "run.json: expected a name that no file has, or --force to overwrite it, found a file";
    refused(&folder, &export, 1, sentence);
    assert_eq!(fs::read(folder.join("run.json")).unwrap(), b"mine");
    done(&folder, &format!("{export} --out other"));
    done(&folder, &format!("{export} --force"));
    assert!([OUT, "other", "run.json"].iter().all(|name| files(&folder).contains(&(*name).into())));
    assert!(
        fs::read(folder.join("run.json")).unwrap() == artifact
            && fs::read(folder.join("other")).unwrap() == artifact
    );
    refused(&folder, &export.replace("json", "punched_cards"), 2, "target: expected json");
    refused(&folder, &format!("export {OUT}"), 2, "--to <NAME>");
    // As it was called at first.
    done(&folder, &format!("export {OUT} --target json --force"));
}

#[test]
fn one_command_writes_every_export() {
    let folder = folder("exports");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let told = done(&folder, &format!("export {OUT} --to all"));
    let names = ["h", "float.onnx", "html", "json", "onnx", "safetensors", "pytorch.nibble.safetensors"]
        .map(|ending| format!("run.{ending}"));
    let written = files(&folder);
    assert_eq!(names.iter().filter(|name| written.contains(name)).count(), names.len(), "{written:?}");
    assert!(["run-hub", "run-tensorboard"].iter().all(|name| folder.join(name).is_dir()), "{written:?}");
    assert!(told.iter().any(|line| line.contains("bytes of flash")), "{told:?}");

    // Several networks, into a folder; one was trained on images that are not here.
    write_batches(&folder.join("cifar"));
    let run =
        "train --batch 32 --epochs 1 --model convnetjs_cifar10 --data cifar --out other.nibble.safetensors";
    assert_eq!(tell(&folder, run).code, Some(0));
    done(&folder, "pack other.nibble.safetensors --out packed.nibble.safetensors");
    let told = done(&folder, &format!("export {OUT} packed.nibble.safetensors --to all --out two/all"));
    let written = files(&folder.join("two/all"));
    for name in ["run.h", "run.onnx", "run.html", "packed.onnx", "packed.html", "packed.safetensors"] {
        assert!(written.contains(&name.into()), "{name}: {written:?}");
    }
    let left: Vec<&String> = told.iter().filter(|line| line.contains(": not written: ")).collect();
    assert!(
        matches!(&left[..], [c, pytorch] if c.starts_with("c: ") && pytorch.starts_with("pytorch: ")),
        "{told:?}"
    );
    assert!(told.iter().any(|line| line.contains("open('two/all/packed.json')")), "{told:?}");
    done(&folder, &format!("export {OUT} packed.nibble.safetensors --to all --out three --data cifar"));
    let written = files(&folder.join("three"));
    assert!(["run.h", "packed.h"].iter().all(|name| written.contains(&(*name).into())), "{written:?}");
}

#[test]
fn two_runs_are_compared_by_settings_accuracy_and_levels() {
    let folder = folder("diff");
    done(&folder, &format!("{TINY} --epochs 1 --out one"));
    done(&folder, "train --resume one --epochs 2 --out two");
    let [same] = &json(&folder, "diff one one")[..] else { panic!("one line") };
    assert_eq!((&same["kind"], &same["settings"]), (&json!("difference"), &json!([])));
    let shares = |told: &Value| -> Vec<f64> {
        told["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|layer| layer["otherLevels"].as_f64().unwrap())
            .collect()
    };
    assert_eq!(shares(same), [0.0; 4]);
    let [told] = &json(&folder, "diff one two")[..] else { panic!("one line") };
    assert_eq!(told["settings"], json!([{ "key": "epochs", "a": "1", "b": "2" }]));
    assert_eq!((&told["epochs"]["a"]["epoch"], &told["epochs"]["b"]["epoch"]), (&json!(1), &json!(2)));
    assert!(shares(told).iter().all(|share| (0.001..0.999).contains(share)), "{told}");

    let said = done(&folder, "diff one two");
    let words = |line: usize| said[line].split_whitespace().collect::<Vec<_>>();
    assert_eq!(
        (words(0), words(1), words(3)),
        (vec!["A", "one"], vec!["B", "two"], vec!["setting", "A", "B"])
    );
    assert_eq!(words(4), ["epochs", "1", "2"]);
    assert_eq!(said.len(), 15, "{said:?}");

    done(&folder, &format!("{TINY} --epochs 1 --quantizer affine --out affine"));
    let said = done(&folder, "diff one affine");
    assert!(said.last().unwrap().ends_with("not compared: levels with and without a zero point"), "{said:?}");
    let other = TINY.replace("convnetjs_cifar10", "simple_resnet4bit");
    done(&folder, &format!("{other} --epochs 1 --out resnet"));
    assert_eq!(done(&folder, "diff one resnet").last().unwrap(), "layers  not compared: the models differ");
}

#[test]
fn layers_are_measured_and_get_the_best_bits_for_a_budget() {
    let folder = folder("bits");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let said = done(&folder, &format!("bits {OUT} --by all --budget 3 --batch-images 16"));
    let found = |start: &str| said.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(found("best for the budget: bits="), 7, "{said:?}");
    assert_eq!(found("ranks layers as rounding does: Kendall's tau "), 6, "{said:?}");
    for way in ["rounding", "eigenvalue", "trace", "spread", "relevance", "noise", "snip"] {
        assert_eq!(found(&format!("{way}: ")), 1, "{said:?}");
    }
    let [told, assigned] = &json(&folder, &format!("bits {OUT} --by noise --budget 9KB"))[..] else {
        panic!("two lines")
    };
    let layers = told["layers"].as_array().unwrap();
    assert_eq!((&told["by"], layers.len()), (&json!("noise"), 4));
    assert_eq!(layers[0]["layer"], "conv1");
    // What is assigned can be trained, and costs no more than that.
    let bits = assigned["bits"].as_str().unwrap();
    done(&folder, &format!("{TINY} --epochs 1 --bits {bits} --out assigned"));
    let spent: f64 = assigned["spent"].as_str().unwrap().strip_suffix(" KB").unwrap().parse().unwrap();
    assert!((8.5..=9.0).contains(&spent), "{assigned}");
    refused(
        &folder,
        &format!("bits {OUT} --budget cheap"),
        2,
        "budget: expected average bits (3), kilobytes (400KB) or billions of bit-operations an image (12GBOP), found cheap",
    );
    let known =
        "sensitivity: expected rounding, eigenvalue, trace, spread, relevance, noise, snip, found magic";
    refused(&folder, &format!("bits {OUT} --by magic"), 2, known);
    let told = tell(&folder, &format!("bits {OUT} --by noise --budget 1"));
    let known = "nibble: budget: expected at least 2.000 bits a weight, found 1.000 bits a weight";
    assert_eq!((told.code, told.err), (Some(2), vec![known.into()]));
}

#[test]
fn addresses_are_compared_with_runs_and_with_each_other() {
    let folder = folder("diff-addresses");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let address = "https://example.org/?model=convnetjs_cifar10&batch=32&bits=3&train=160&test=200#curves";
    let [told] = &json(&folder, &format!("diff {OUT} {address}"))[..] else { panic!("one line") };
    let expected = json!([
        { "key": "bits", "a": "4", "b": "3" }, { "key": "epochs", "a": "1", "b": "10" },
        { "key": "test", "a": "100", "b": "200" },
    ]);
    assert_eq!(
        (&told["settings"], &told["epochs"]["b"], &told["layers"]),
        (&expected, &Value::Null, &Value::Null)
    );
    let [told] = &json(&folder, "diff ?bits=4&scale=0 bits=4&data=cifar10&train=10000")[..] else {
        panic!("one line")
    };
    let expected = json!([
        { "key": "data", "a": "builtin", "b": "cifar10" }, { "key": "granularity", "a": "net", "b": "tensor" },
    ]);
    assert_eq!(told["settings"], expected);
    assert_eq!(done(&folder, "diff ?bits=4 ?bits=4").last().unwrap(), "settings  the same");
    refused(&folder, &format!("diff {OUT} ?bits=17"), 2, "bits: expected 1 to 16, found 17");
    refused(&folder, &format!("diff {OUT} none"), 1, "none: expected a readable file");
}
