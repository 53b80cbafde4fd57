//! Recipes: named sets of settings that train a network well. One line in [`RECIPES`] each; what each reached is in
//! docs/RESULTS.md.

use serde_json::{Value, json};

use crate::Result;
use crate::registry::{Entry, Named, Registry, told};

/// A registered set of settings.
pub struct Recipe {
    /// Its name and description.
    pub entry: Entry,
    /// `key=value`, parted by spaces, as addresses have them; all others are at their defaults.
    settings: &'static str,
}

impl Recipe {
    /// Keys and values' texts, as [`RunConfig::set`](crate::RunConfig::set) takes them.
    ///
    /// # Panics
    /// For a line of the registry without an equals sign, which a test excludes.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.settings.split(' ').map(|pair| pair.split_once('=').expect("key=value"))
    }

    /// What the page is told of it.
    pub(crate) fn row(&self) -> Value {
        let Entry { name, label, about } = &self.entry;
        json!({ "name": name, "label": label, "about": about, "settings": self.settings().collect::<Vec<_>>() })
    }
}

impl Named for Recipe {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every recipe.
pub static RECIPES: Registry<Recipe> = Registry::new("recipe", OWN);

const OWN: &[Recipe] = &[
    Recipe {
        entry: Entry {
            name: "paper",
            label: told("As published"),
            about: told(
                "arXiv 2603.13931 to the letter: 150 epochs, whose rate falls to 0 at the 100th and climbs again",
            ),
        },
        settings: "model=vgg4bit epochs=150 schedule=cosine_climbing",
    },
    Recipe {
        entry: Entry {
            name: "monotone",
            label: told("As published, only falling"),
            about: told(
                "The paper's settings with the schedule that it advises: 100 epochs, whose rate only falls",
            ),
        },
        settings: "model=vgg4bit epochs=100",
    },
    Recipe {
        entry: Entry {
            name: "fast",
            label: told("Fast"),
            about: told("The most accuracy in 12 epochs of VGG4bit with 4-bit weights"),
        },
        settings: "model=vgg4bit epochs=12 optimizer=muon lr=0.008 decay=0.05 schedule=warmup_linear smoothing=0.2 dropout=0 flip=alternating border=mirrored clipnorm=2 reestimate=60",
    },
    Recipe {
        entry: Entry {
            name: "int4-everywhere",
            label: told("4 bits everywhere"),
            about: told("The same with 4-bit activations too"),
        },
        settings: "model=vgg4bit activations=lsq actbits=4 epochs=12 optimizer=muon lr=0.008 decay=0.05 schedule=warmup_linear smoothing=0.2 dropout=0 flip=alternating border=mirrored clipnorm=2 reestimate=60",
    },
    Recipe {
        entry: Entry {
            name: "tiny",
            label: told("Tiny"),
            about: told("SimpleResNet4bit with 4-bit weights in 20 epochs, trained much as by Fast"),
        },
        settings: "epochs=20 optimizer=muon lr=0.008 decay=0.05 schedule=warmup_linear smoothing=0.1 flip=alternating border=mirrored clipnorm=2 reestimate=60",
    },
];

/// The recipe of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Recipe> {
    RECIPES.find(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunConfig;

    fn config(recipe: &Recipe) -> RunConfig {
        let mut config = RunConfig::default();
        recipe.settings().for_each(|(key, text)| config.set(key, text).unwrap());
        config
    }

    #[test]
    fn every_recipe_is_valid_and_says_nothing_that_is_a_default() {
        for recipe in RECIPES.iter() {
            let name = recipe.entry.name;
            config(recipe).validate().unwrap();
            let defaults = RunConfig::default().texts();
            for (key, text) in recipe.settings() {
                assert_ne!(defaults[key], text, "{name}: {key}");
            }
            let mut keys: Vec<_> = recipe.settings().map(|(key, _)| key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), recipe.settings().count(), "{name}");
        }
    }

    #[test]
    fn the_published_settings_are_the_defaults_but_for_the_schedule() {
        let paper = config(find("paper").unwrap());
        let RunConfig { model, epochs, schedule, .. } = paper.clone();
        assert_eq!(paper, RunConfig { model, epochs, schedule, ..RunConfig::default() });
    }
}
