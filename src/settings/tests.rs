//! What holds for every row, whichever there are.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Kind, RunConfig, SETTINGS, Setting, When, find, registry};

/// Other valid values of a row than its default: one where there is one, and the ends of its range.
fn others(row: &Setting) -> Vec<Value> {
    let texts: Vec<String> = match row.kind {
        Kind::Switch => vec!["0".into(), "1".into()],
        Kind::Integer { min, max, .. } => vec![min.to_string(), max.to_string()],
        Kind::Number { min, max, .. } => vec![min.to_string(), max.to_string()],
        Kind::Bits { min, max } => vec![min.to_string(), format!("{max},conv1:{min}")],
        Kind::Choice(_) | Kind::Schemes(_) => {
            row.choices().unwrap().iter().map(|entry| entry.name.into()).collect()
        }
        Kind::Auto { max } => vec!["1".into(), max.to_string()],
        Kind::Layers => vec![String::new(), "conv1.quantizer:lsq,conv1.granularity:channel".into()],
        Kind::Text => vec!["text".into()],
    };
    texts.iter().map(|text| row.parse(text).unwrap()).filter(|value| *value != row.default_value()).collect()
}

#[test]
fn every_row_of_a_field_is_in_the_json_under_its_name() {
    let json = json!(RunConfig::default());
    let rows: HashSet<String> = SETTINGS.iter().filter_map(Setting::json_field).collect();
    assert_eq!(json.as_object().unwrap().keys().cloned().collect::<HashSet<_>>(), rows);
}

#[test]
fn keys_are_unique_and_of_a_form_that_addresses_files_and_flags_take() {
    let mut seen = HashSet::new();
    for row in SETTINGS {
        let former: HashSet<&&str> = row.former.iter().map(|(key, ..)| key).collect();
        for key in std::iter::once(&row.key).chain(row.aliases).chain(former) {
            assert!(seen.insert(*key), "{key} is there twice");
            let good = key.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(good && key.starts_with(|first: char| first.is_ascii_lowercase()), "{key}");
        }
        assert!(!row.label.is_empty() && !row.group.is_empty(), "{}", row.key);
        assert_eq!(
            row.field.is_some(),
            row.initial.is_empty(),
            "{}: its default stands in one place",
            row.key
        );
    }
}

#[test]
fn what_a_row_depends_on_is_a_row_with_such_values() {
    for row in SETTINGS {
        let (key, values): (_, Vec<&str>) = match row.applies {
            When::Always => continue,
            When::Is(key, values) | When::Not(key, values) => (key, values.split('|').collect()),
            When::By(by, key, found) => {
                (key, When::pairs(by, found).into_iter().flat_map(|(_, of)| of).collect())
            }
        };
        let other = find(key).unwrap();
        assert!(!values.is_empty(), "{}", row.key);
        for value in values {
            let parsed = other.parse(value).unwrap_or_else(|problem| panic!("{}: {problem}", row.key));
            assert_eq!(other.format(&parsed), value, "{}: not as the address has it", row.key);
        }
    }
}

#[test]
fn how_ranges_are_measured_matters_wherever_a_layer_has_such_a_range() {
    let When::By("ends", "activations", found) = find("actrange").unwrap().applies else { panic!() };
    for ends in ["same", "full"] {
        assert_eq!(found(ends), ["affine", "fp4", "fp8_e4m3"], "{ends}");
    }
    // Of a scheme without 8 bits the last layer's are plain integers.
    assert_eq!(found("8"), ["affine", "fp4", "fp8_e4m3", "mxfp4"]);
}

#[test]
fn former_names_of_values_are_read_and_never_written() {
    for row in SETTINGS {
        for (former, now) in row.renamed {
            let named = |name: &str| row.choices().unwrap().iter().any(|entry| entry.name == name);
            assert!(named(now) && !named(former), "{}: {former} is {now}", row.key);
            let mut config = RunConfig::default();
            config.set(row.key, former).unwrap();
            assert_eq!(row.format(&config.get(row.field.unwrap()).unwrap()), *now);
        }
    }
    let renamed = |key| find(key).unwrap().renamed.iter().any(|(former, _)| *former == "fp8");
    assert!(renamed("activations") && renamed("gradients"));
}

#[test]
fn a_race_is_named_by_what_differs() {
    for row in SETTINGS.iter().filter(|row| !row.races.is_empty()) {
        assert!(row.field.is_some() && row.forks, "{}: runs that may differ may be forked", row.key);
        let values = row.races.contains("{}") || row.races.contains("{precision}");
        assert!(values || (row.races.contains('|') && matches!(row.kind, Kind::Switch)), "{}", row.key);
    }
}

#[test]
fn values_survive_text() {
    for row in SETTINGS {
        for value in others(row).into_iter().chain([row.default_value()]) {
            assert_eq!(row.parse(&row.format(&value)).unwrap(), value, "{}", row.key);
        }
    }
}

#[test]
fn each_setting_is_set_by_its_key_and_checked() {
    for row in SETTINGS {
        for value in others(row) {
            let mut config = RunConfig::default();
            let set = config.set(row.key, &row.format(&value));
            let Some(field) = row.field else {
                assert!(set.is_err(), "{} is none of a run", row.key);
                continue;
            };
            set.unwrap();
            config.validate().unwrap();
            assert_eq!(config.get(field), Some(value), "{}", row.key);
            let back: RunConfig = serde_json::from_value(json!(config)).unwrap();
            assert_eq!(back, config);
        }
    }
}

#[test]
fn a_fork_may_change_exactly_what_its_row_says() {
    let from = RunConfig::default();
    for row in SETTINGS.iter().filter(|row| row.field.is_some()) {
        for value in others(row) {
            let mut to = from.clone();
            to.set(row.key, &row.format(&value)).unwrap();
            let checked = from.check_fork(&to);
            assert_eq!(checked.is_ok(), row.forks, "{}", row.key);
            if let Err(problem) = checked {
                let was = row.format(&row.default_value());
                let now = row.format(&value);
                let message = format!("{}: expected {was}, as in the run forked, found {now}", row.key);
                assert_eq!(problem.to_string(), message);
            }
        }
    }
    let fixed: Vec<_> =
        SETTINGS.iter().filter(|row| row.field.is_some() && !row.forks).map(|row| row.key).collect();
    assert_eq!(fixed, ["model", "batch", "seed", "normalization", "holdout"]);
}

/// What is said of a quantizer called magic.
fn unknown_scheme() -> String {
    let schemes: Vec<_> = crate::quant::QUANTIZERS.iter().map(|scheme| scheme.entry.name).collect();
    format!("quantizer: expected {}, found magic", schemes.join(", "))
}

#[test]
fn what_is_out_of_range_is_named() {
    let magic = unknown_scheme();
    let cases = [
        ("bits", "17", "bits: expected 1 to 16, found 17"),
        ("bits", "0", "bits: expected 1 to 16, found 0"),
        ("bits", "4,conv1:17", "bits: expected 1 to 16, found conv1:17"),
        ("bits", "4,conv1", "bits: expected a width and perhaps exceptions (4,conv1:8), found 4,conv1"),
        ("lr", "0", "lr: expected 0.00001 to 1, found 0"),
        ("lr", "NaN", "lr: expected 0.00001 to 1, found NaN"),
        ("lr", "fast", "lr: expected 0.00001 to 1, found fast"),
        ("batch", "1", "batch: expected 2 to 1024, found 1"),
        ("epochs", "2.5", "epochs: expected 1 to 1000, found 2.5"),
        ("tanh", "yes", "tanh: expected 1 (on) or 0 (off), found yes"),
        ("threads", "0", "threads: expected auto, or 1 to 1024, found 0"),
        ("threads", "many", "threads: expected auto, or 1 to 1024, found many"),
        ("quantizer", "magic", magic.as_str()),
        ("threads", "auto", "threads: expected a setting of a run, found threads=auto"),
    ];
    for (key, text, message) in cases {
        assert_eq!(RunConfig::default().set(key, text).unwrap_err().to_string(), message);
    }
    let unknown = RunConfig::default().set("colour", "red").unwrap_err().to_string();
    assert!(
        unknown.starts_with("setting: expected data, model, ") && unknown.ends_with("found colour"),
        "{unknown}"
    );
}

#[test]
fn fields_out_of_range_are_named() {
    let magic = unknown_scheme();
    let cases = [
        (r#"{"bits":17}"#, "bits: expected 1 to 16, found 17"),
        (r#"{"bits":"4,conv1:0"}"#, "bits: expected 1 to 16, found conv1:0"),
        (r#"{"lr":0}"#, "lr: expected 0.00001 to 1, found 0"),
        (r#"{"batch":1}"#, "batch: expected 2 to 1024, found 1"),
        (r#"{"quantizer":"magic"}"#, magic.as_str()),
    ];
    for (json, message) in cases {
        let config: RunConfig = serde_json::from_str(json).unwrap();
        assert_eq!(config.validate().unwrap_err().to_string(), message);
    }
    let lost = RunConfig { lr: f64::NAN, ..RunConfig::default() };
    assert_eq!(lost.validate().unwrap_err().to_string(), "lr: expected 0.00001 to 1, found no number");
    assert!(serde_json::from_str::<RunConfig>(r#"{"learning_rate":1}"#).is_err());
}

#[test]
fn the_default_is_valid_and_survives_json() {
    let config = RunConfig::default();
    config.validate().unwrap();
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<RunConfig>(&json).unwrap(), config);
}

#[test]
fn some_settings_are_replaced_and_the_others_kept() {
    let config = RunConfig { lr: 0.25, bits: 8.into(), ..RunConfig::default() };
    let with = |json: &str| config.with(serde_json::from_str(json).unwrap());
    assert_eq!(with("{}").unwrap(), config);
    let changed = with(r#"{"bits":3,"tanhClip":false}"#).unwrap();
    assert_eq!(changed, RunConfig { bits: 3.into(), tanh_clip: false, ..config.clone() });
    let message = with(r#"{"bitz":3}"#).unwrap_err().to_string();
    assert!(message.contains("bitz"), "{message}");
}

#[test]
fn a_former_key_is_read() {
    static ROW: Setting = Setting { key: "rate", aliases: &["lr"], ..Setting::ROW };
    assert!(ROW.is_named("rate") && ROW.is_named("lr") && !ROW.is_named("l"));
    for row in SETTINGS {
        for alias in row.aliases {
            assert_eq!(find(alias).unwrap().key, row.key);
        }
    }
}

/// The keys of the addresses that are out in the world, each with a value that they may have.
#[test]
fn links_of_the_first_version_keep_their_meaning() {
    let link = "data=builtin&model=vgg4bit&quantizer=none&bits=3&epochs=7&batch=64&lr=0.02&schedule=cosine_climbing\
        &tanh=0&scale=0&ste=0&clip=0&augment=0&train=1000&test=200&seed=42&winograd=0&threads=auto&build=simd";
    let mut config = RunConfig::default();
    for pair in link.split('&') {
        let (key, text) = pair.split_once('=').unwrap();
        match find(key) {
            Ok(row) => {
                assert_eq!(row.format(&row.parse(text).unwrap()), text);
                if row.field.is_some() {
                    config.set(key, text).unwrap();
                }
            }
            // A switch that another setting has taken the place of.
            Err(_) => config.set(key, text).unwrap(),
        }
    }
    let expected = json!({
        "model": "vgg4bit", "quantizer": "none", "bits": 3, "epochs": 7, "batch": 64, "lr": 0.02,
        "schedule": "cosine_climbing", "tanhClip": false, "granularity": "net", "straightThrough": false,
        "gradClip": false, "augment": false, "seed": 42, "winograd": false,
    });
    let known = json!(config);
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&known[field], value, "{field}");
    }
}

#[test]
fn the_page_is_told_of_every_row() {
    let registry = registry();
    let rows = registry["settings"].as_array().unwrap();
    assert_eq!(rows.len(), SETTINGS.len());
    for (told, row) in rows.iter().zip(SETTINGS) {
        assert_eq!(told["key"], row.key);
        assert_eq!(told["default"], row.default_value());
        if let Some(field) = row.json_field() {
            assert_eq!(told["default"], registry["defaults"][&field]);
        }
    }
    let bits = rows.iter().find(|row| row["key"] == "bits").unwrap();
    let expected = json!({
        "key": "bits", "label": "Bits", "kind": "bits", "min": 1, "max": 16, "group": "top", "races": "{precision}",
        "forks": true, "field": "bits", "default": 4, "applies": { "key": "quantizer", "not": ["none"] },
        "hint": bits["hint"],
    });
    assert_eq!(bits, &expected);
}
