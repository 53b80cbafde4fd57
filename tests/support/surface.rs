//! The JavaScript surface: names and types of what goes in and comes out.

use js_sys::{Float32Array, Reflect};
use nibble::wasm::{Dataset, Run};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

fn number(object: &JsValue, name: &str) -> f64 {
    get(object, name).as_f64().unwrap_or_else(|| panic!("{name} is no number in {object:?}"))
}

fn text(object: &JsValue, name: &str) -> String {
    get(object, name).as_string().unwrap_or_else(|| panic!("{name} is no text in {object:?}"))
}

fn length(array: &JsValue) -> u32 {
    assert!(js_sys::Array::is_array(array), "{array:?}");
    js_sys::Array::from(array).length()
}

fn js(json: &str) -> JsValue {
    js_sys::JSON::parse(json).unwrap()
}

fn refused<T>(result: nibble::wasm::Result<T>) -> JsValue {
    let error: JsValue = result.err().expect("refused").into();
    assert!(error.is_instance_of::<js_sys::Error>());
    error
}

fn run(json: &str) -> Run {
    nibble::wasm::use_current_thread().ok();
    Run::new(&Dataset::synthetic(16, 6, 1).ok().unwrap(), js(json)).ok().unwrap()
}

/// The event of that kind that comes next.
fn next(run: &mut Run, kind: &str) -> JsValue {
    for _ in 0..40 {
        let event = run.advance().ok().unwrap();
        if text(&event, "kind") == kind {
            return event;
        }
    }
    panic!("no {kind} in 40 units");
}

#[wasm_bindgen_test]
fn a_fork_continues_as_the_original_does() {
    let mut run = run(r#"{"batch":8,"epochs":1}"#);
    next(&mut run, "step");
    let mut fork = run.fork(js("{}")).ok().unwrap();
    let mut other = run.fork(js(r#"{"bits":3,"straightThrough":false}"#)).ok().unwrap();
    let config = get(&other.info().ok().unwrap(), "config");
    assert_eq!((number(&config, "bits"), number(&config, "batch")), (3.0, 8.0));
    assert_eq!(get(&config, "straightThrough"), JsValue::FALSE);
    let (a, b) = (next(&mut run, "epoch"), next(&mut fork, "epoch"));
    assert_eq!(number(&a, "testLoss"), number(&b, "testLoss"));
    assert_eq!(number(&a, "trainLoss"), number(&b, "trainLoss"));
    next(&mut other, "epoch");
    let error = refused(run.fork(js(r#"{"seed":2}"#)));
    assert_eq!((text(&error, "kind"), text(&error, "field")), ("config".into(), "seed".into()));
    assert_eq!(text(&error, "message"), "seed: expected 1, as in the run forked, found 2");
}

#[wasm_bindgen_test]
fn an_epoch_tells_confusion_and_each_layer_its_health() {
    let mut run = run(r#"{"batch":8,"epochs":1}"#);
    let epoch = next(&mut run, "epoch");
    assert_eq!(length(&get(&epoch, "confusion")), 100);
    let layer = get(&get(&epoch, "layers"), "0");
    assert!(number(&layer, "gradNorm") > 0.0);
    assert!((0.0..=1.0).contains(&number(&layer, "flipsPerStep")));
    assert!(number(&layer, "saturatedShare") > 0.0);
}

#[wasm_bindgen_test]
fn predictions_are_empty_before_the_first_test_pass() {
    let mut run = run(r#"{"batch":8,"epochs":1}"#);
    assert_eq!(length(&run.predictions(js(r#"{"limit":9}"#)).ok().unwrap()), 0);
    next(&mut run, "epoch");
    let mut found = 0;
    for label in 0..6u32 {
        let query = format!(r#"{{"label":{label},"limit":9}}"#);
        let mistakes = run.predictions(js(&query)).ok().unwrap();
        found += length(&mistakes);
        if length(&mistakes) > 0 {
            let first = get(&mistakes, "0");
            assert_eq!(
                (number(&first, "index"), number(&first, "label")),
                (f64::from(label), f64::from(label))
            );
            assert!(number(&first, "loss") > 0.0);
            assert_eq!(length(&get(&first, "top")), 3);
            let top = get(&get(&first, "top"), "0");
            assert!(number(&top, "probability") > 0.1 && number(&top, "class") != f64::from(label));
        }
    }
    assert_eq!(length(&run.predictions(js(r#"{"limit":9}"#)).ok().unwrap()), found);
    // Absent or undefined: the same.
    let query = js(r#"{"limit":9}"#);
    Reflect::set(&query, &"label".into(), &JsValue::UNDEFINED).unwrap();
    assert_eq!(length(&run.predictions(query).ok().unwrap()), found);
    let error = refused(run.predictions(js(r#"{"label":10,"limit":9}"#)));
    assert_eq!(text(&error, "message"), "label: expected a class below 10, found 10");
}

#[wasm_bindgen_test]
fn an_evaluator_answers_batch_by_batch() {
    let mut run = run(r#"{"batch":8,"quantizer":"none"}"#);
    let settings = js(r#"{"quantizer":"symmetric","bits":5,"granularity":"tensor"}"#);
    let everything = js(
        r#"{"quantizer":"symmetric","bits":5,"granularity":"tensor","fold":true,"equalise":true,"correct":true,
            "activations":"affine","activationBits":4,"calibration":"percentile"}"#,
    );
    let estimated = js(r#"{"quantizer":"none","bits":4,"granularity":"tensor","reestimate":2}"#);
    for (settings, bits) in [
        (JsValue::NULL, 32.0),
        (JsValue::UNDEFINED, 32.0),
        (settings, 5.0),
        (everything, 5.0),
        (estimated, 32.0),
    ] {
        let mut evaluator = run.evaluator(settings).ok().unwrap();
        let mut progress = evaluator.advance().ok().unwrap();
        while get(&progress, "result").is_null() {
            assert_eq!((number(&progress, "done"), number(&progress, "total")), (0.0, 6.0));
            progress = evaluator.advance().ok().unwrap();
        }
        assert_eq!((number(&progress, "done"), number(&progress, "total")), (6.0, 6.0));
        let result = get(&progress, "result");
        assert_eq!(number(&result, "bits"), bits);
        assert!(number(&result, "loss") > 0.0 && number(&result, "accuracy") <= 1.0);
    }
    let error = refused(run.evaluator(js(r#"{"quantizer":"symmetric","bits":5}"#)));
    assert!(text(&error, "message").contains("granularity"));
}

#[wasm_bindgen_test]
fn an_outlier_and_the_filters_it_shows_in() {
    let mut run = run("{}");
    let outlier = run.inject_outlier("conv1", 20.0).ok().unwrap();
    assert_eq!(text(&outlier, "layer"), "conv1");
    assert_eq!(number(&outlier, "after"), 20.0 * number(&outlier, "before"));
    assert!(number(&outlier, "absmaxAfter") > number(&outlier, "absmaxBefore"));
    assert!(number(&outlier, "index") < 432.0);
    let filters = run.filters("conv1").ok().unwrap();
    let sizes = ["count", "height", "width", "channels"].map(|name| number(&filters, name));
    assert_eq!(sizes, [16.0, 3.0, 3.0, 3.0]);
    for name in ["latent", "quantized"] {
        let values: Float32Array = get(&filters, name).unchecked_into();
        assert_eq!(values.length(), 432);
        assert!(values.to_vec().contains(&(number(&outlier, "after") as f32)) || name == "quantized");
    }
    let error = refused(run.filters("conv9"));
    assert!(text(&error, "message").starts_with("layer: expected conv1, conv2"));
}

#[wasm_bindgen_test]
fn a_scheme_tells_its_levels() {
    let weights = nibble::wasm::weight_levels("symmetric", 2).ok().unwrap();
    let levels: Float32Array = get(&weights, "levels").unchecked_into();
    assert_eq!((levels.to_vec(), get(&weights, "sampled")), (vec![-1.0, 0.0, 1.0], JsValue::FALSE));
    let activations = nibble::wasm::activation_levels("affine", 2).ok().unwrap();
    let levels: Float32Array = get(&activations, "levels").unchecked_into();
    assert_eq!(levels.to_vec(), [0.0, 1.0, 2.0, 3.0]);
    let error = refused(nibble::wasm::weight_levels("symmetric", 9));
    assert_eq!(text(&error, "message"), "bits: expected 2 to 8 with symmetric, found 9");
}

#[wasm_bindgen_test]
fn one_of_several_grids_of_a_layer() {
    let mut run = run(r#"{"granularity":"channel"}"#);
    let layer = get(&run.layer_reports().ok().unwrap(), "0");
    assert_eq!((number(&layer, "scales"), length(&get(&get(&layer, "rounded"), "counts"))), (16.0, 65));
    let grid = run.grid_report("conv1", 3).ok().unwrap();
    let ends = |name| [0, 1].map(|end| number(&get(&grid, name), &end.to_string()));
    assert_eq!((ends("channels"), ends("weights")), ([3.0, 4.0], [0.0, 27.0]));
    assert!(number(&grid, "scale") > 0.0 && number(&get(&grid, "histogram"), "max") > 0.0);
    assert_eq!((length(&get(&grid, "levels")), length(&get(&grid, "levelCounts"))), (15, 15));
    let error = refused(run.grid_report("conv1", 16));
    assert_eq!(text(&error, "field"), "grid");
}

#[wasm_bindgen_test]
fn activations_are_told_with_their_levels() {
    let mut run = run(r#"{"activations":"dorefa","activationBits":2}"#);
    let reports = run.activation_reports().ok().unwrap();
    assert_eq!(length(&reports), 6);
    let first = get(&reports, "0");
    assert_eq!((text(&first, "name"), number(&first, "images")), ("bn1".into(), 6.0));
    assert_eq!((length(&get(&first, "shape")), length(&get(&get(&first, "histogram"), "counts"))), (3, 64));
    assert_eq!((length(&get(&first, "levels")), length(&get(&first, "levelCounts"))), (4, 4));
    assert_eq!(get(&first, "rounded"), JsValue::TRUE);
    for share in ["zeroShare", "clippedShare"] {
        assert!((0.0..1.0).contains(&number(&first, share)), "{share}");
    }
    assert!(number(&first, "deadChannels") < 16.0);
}

#[wasm_bindgen_test]
fn divergence_is_told_from_other_errors() {
    let mut run = run(r#"{"batch":8,"epochs":1,"quantizer":"none"}"#);
    next(&mut run, "step");
    // One weight beyond what a sum of squares can hold.
    run.inject_outlier("linear1", 1e38).ok().unwrap();
    let error = refused(run.advance());
    assert_eq!(text(&error, "kind"), "diverged");
    assert_eq!(number(&error, "step"), 2.0);
    assert!(!(number(&error, "loss").is_finite() && number(&error, "gradNorm").is_finite()));
    assert!(text(&error, "message").contains("lower learning rate"));
    // The run can still be asked, and goes on once the cause is gone.
    assert!(length(&run.layer_reports().ok().unwrap()) > 0);
    run.inject_outlier("linear1", 1e-38).ok().unwrap();
    next(&mut run, "step");
}

#[wasm_bindgen_test]
fn ones_own_pictures_become_a_data_set() {
    nibble::wasm::use_current_thread().ok();
    let classes = || vec!["cats".to_owned(), "dogs".to_owned()];
    let labels = [0, 1, 0, 1, 0, 1];
    let pixels: Vec<u8> = (0..6 * 3072).map(|i| (i * 7 / 5) as u8).collect();
    let array = js_sys::Uint8Array::from(pixels.as_slice());
    let set = Dataset::from_images("Pets", classes(), &array, &labels, 1).ok().unwrap();
    let info = set.info().ok().unwrap();
    assert_eq!((text(&info, "kind"), text(&info, "name")), ("images".into(), "Pets".into()));
    assert_eq!((number(&info, "train"), number(&info, "test")), (4.0, 2.0));
    assert_eq!(length(&get(&info, "classes")), 2);
    let first = (0..6).map(|i| &pixels[i * 3072..][..3]);
    let pixel = set.image("test", 0).ok().unwrap().to_vec();
    assert!(first.into_iter().any(|rgb| *rgb == pixel[..3]) && pixel[3] == 255);
    let mut run = Run::new(&set, js(r#"{"batch":4,"epochs":1}"#)).ok().unwrap();
    assert_eq!(length(&get(&next(&mut run, "epoch"), "confusion")), 4);
    let error = refused(Dataset::from_images("Pets", classes(), &array, &[0, 0, 0, 1, 0, 0], 1));
    assert_eq!(text(&error, "kind"), "data");
    assert_eq!(text(&error, "message"), "Pets, class dogs: expected at least 2 images, found 1");
}

#[wasm_bindgen_test]
fn a_packed_network_answers_as_its_run_does() {
    nibble::wasm::use_current_thread().ok();
    let set = Dataset::synthetic(48, 12, 1).ok().unwrap();
    let mut run = Run::new(&set, js(r#"{"batch":8,"epochs":2,"lr":0.003}"#)).ok().unwrap();
    next(&mut run, "finished");
    let packed = run.packed().ok().unwrap();
    let info = packed.info().ok().unwrap();
    let share = number(&info, "packedBytes") / number(&info, "fp32Bytes");
    // An eighth, and what stays f32.
    assert!((0.125..0.15).contains(&share), "{share}");
    let conv1 = get(&get(&info, "layers"), "0");
    assert_eq!((text(&conv1, "name").as_str(), number(&conv1, "bits")), ("conv1", 4.0));
    // 432 weights, a scale and 16 biases.
    assert_eq!((number(&conv1, "packedBytes"), number(&conv1, "fp32Bytes")), (284.0, 1792.0));
    let mut compared = 0;
    for cell in 0..100 {
        let query = format!(r#"{{"label":{},"predicted":{},"limit":99}}"#, cell / 10, cell % 10);
        let images = js_sys::Array::from(&run.predictions(js(&query)).ok().unwrap());
        for image in images.iter() {
            let pixels = set.image("test", number(&image, "index") as u32).ok().unwrap();
            let classes = packed.classify(&pixels.to_vec()).ok().unwrap();
            assert_eq!(length(&classes), 10);
            let (found, expected) = (get(&classes, "0"), get(&get(&image, "top"), "0"));
            assert_eq!(number(&found, "class"), number(&expected, "class"));
            // As natively: some roundings of f32 a layer.
            let error = number(&found, "probability") - number(&expected, "probability");
            assert!(error.abs() <= 1e-4, "{error}");
            compared += 1;
        }
    }
    assert_eq!(compared, 12);
    let error = refused(packed.classify(&[0; 12]));
    assert!(text(&error, "message").starts_with("picture: expected 4096 bytes"));
}

#[wasm_bindgen_test]
fn a_network_is_exported() {
    let mut run = run(r#"{"batch":8}"#);
    next(&mut run, "step");
    let file = run.export("json").ok().unwrap();
    assert_eq!((text(&file, "extension"), text(&file, "mime")), ("json".into(), "application/json".into()));
    let bytes = js_sys::Uint8Array::from(get(&file, "bytes")).to_vec();
    let document = js(std::str::from_utf8(&bytes).unwrap());
    assert_eq!(text(&document, "format"), "nibble.lowered");
    assert_eq!(length(&get(&document, "classes")), 10);
    let error = refused(run.export("onnx"));
    assert_eq!(text(&error, "field"), "target");
}
