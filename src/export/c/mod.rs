//! The network as a header of C99 that needs neither a library nor floating-point numbers: the integer reference
//! ([`crate::integer`]) printed, with its weights as CMSIS-NN's functions for 4-bit weights take them.

mod arena;

use std::fmt::{Display, Write as _};

use self::arena::{Arena, arena};
use super::{Artifact, Network, Target};
use crate::data::{IMAGE_BYTES, PLANE};
use crate::integer::arithmetic::Requantize;
use crate::integer::{Integer, Span, Step, Value, pixels};
use crate::registry::{Entry, told};
use crate::{Error, Result};

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "c",
        label: told("C header"),
        about: told(
            "For microcontrollers: one C99 header of integers alone, with 8-bit activations and test vectors",
        ),
    },
    engine: false,
    images: true,
    whole: false,
    needs: "a C compiler. Weights of up to 4 bits with a scale a tensor or a channel and no zero point stay 4 bits; others take 8",
    run: "cc -std=c99 -O2 -DNIBBLE_MAIN -x c \"{file}\" -o nibble-network && ./nibble-network",
    write,
};

/// The code that every network has, and the program of `NIBBLE_MAIN`.
const REFERENCE: &str = include_str!("reference.c");
const MAIN: &str = include_str!("main.c");
/// Pictures whose logits are in the file.
const TESTS: usize = 4;
/// Numbers in a line.
const LINE: usize = 24;

fn write(network: &Network) -> Result<Artifact> {
    let Network { lowered, mean, std, images, .. } = network;
    let integer = Integer::new(lowered, [*mean, *std], images)?;
    if !matches!(integer.steps.last(), Some((Step::Conv { .. }, _))) {
        return Err(Error::Model {
            layer: integer.values.last().map_or_else(String::new, |value| value.name.clone()),
            expected: "a network that ends in a linear layer".into(),
            found: "another one".into(),
        });
    }
    let arena = arena(&integer);
    let mut data = String::new();
    let flash = constants(&mut data, &integer);
    let mut text = String::new();
    let size = Size { flash, ram: arena.bytes };
    begin(&mut text, network, &integer, &size);
    text += REFERENCE;
    text += "/* ---- The network ---- */\n\n";
    text += &data;
    program(&mut text, &integer, &arena);
    tests(&mut text, network, &integer);
    text += MAIN;
    let mut notes = vec![format!(
        "{} bytes of flash for weights and tables (the code takes about 3,000 more), {} bytes of RAM for activations",
        size.flash, size.ram
    )];
    notes.extend(integer.notes);
    Ok(Artifact::file("h", "text/x-c", text.into_bytes()).noting(notes))
}

struct Size {
    flash: usize,
    ram: usize,
}

/// Writes to a string, which does not fail.
macro_rules! put {
    ($text:expr, $($arguments:tt)*) => { writeln!($text, $($arguments)*).expect("a string takes everything") };
}

fn begin(text: &mut String, network: &Network, integer: &Integer, size: &Size) {
    let classes = &network.classes;
    put!(text, "/* A network trained by Nibble, in integers.");
    put!(text, " *");
    put!(
        text,
        " * Flash: {} bytes of weights and tables, and the code. RAM: {} bytes of activations.",
        size.flash,
        size.ram
    );
    integer.notes.iter().for_each(|note| put!(text, " * {note}."));
    put!(text, " *");
    put!(text, " * static int8_t arena[NIBBLE_ARENA]; int32_t logits[NIBBLE_CLASSES];");
    put!(text, " * nibble_logits(pixels, arena, logits);");
    put!(text, " *");
    put!(text, " * The test vectors: cc -std=c99 -O2 -DNIBBLE_MAIN -x c THIS_FILE -o network && ./network");
    put!(text, " */");
    put!(text, "#ifndef NIBBLE_NETWORK_H\n#define NIBBLE_NETWORK_H\n\n#include <stdint.h>\n");
    put!(text, "#define NIBBLE_CLASSES {}", classes.len());
    put!(text, "#define NIBBLE_PIXELS {IMAGE_BYTES} /* {0} x {0} pixels R G B */", PLANE.isqrt());
    put!(text, "#define NIBBLE_ARENA {}", size.ram);
    let used = |of: fn(&Step) -> bool| integer.steps.iter().any(|(step, _)| of(step));
    for (name, of) in [
        ("ADD", (|step| matches!(step, Step::Add { .. })) as fn(&Step) -> bool),
        ("MAX_POOL", |step| matches!(step, Step::MaxPool)),
        ("MEAN", |step| matches!(step, Step::Mean(_))),
        ("FLATTEN", |step| matches!(step, Step::Flatten)),
        ("RESCALE", |step| matches!(step, Step::Rescale(_))),
    ] {
        if used(of) {
            put!(text, "#define NIBBLE_{name}");
        }
    }
    put!(
        text,
        "\n/* How many logits make 1. */\n#define NIBBLE_LOGITS_OF_ONE {:?}\n",
        1.0 / integer.values.last().map_or(1.0, |value| value.span.scale)
    );
}

/// Names as C has them between quotes.
fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' if byte != b'?' => text.push(char::from(byte)),
            // Three digits, so that none that follows counts; a question mark could begin a trigraph.
            other => write!(text, "\\{other:03o}").expect("a string takes everything"),
        }
    }
    text + "\""
}

/// The arrays of all layers; gives the bytes that they take.
fn constants(text: &mut String, integer: &Integer) -> usize {
    let mut flash = size_of_val(&integer.table);
    put!(text, "static const int8_t nibble_table[3][256] = {{");
    integer.table.iter().for_each(|row| put!(text, "{{\n{}}},", lines(row)));
    put!(text, "}};\n");
    for (i, (step, _)) in integer.steps.iter().enumerate() {
        let Step::Conv { weights, bias, requantize, .. } = step else { continue };
        let packed = weights.packed();
        let name = &integer.values[i + 1].name;
        put!(text, "/* {} */", name.replace("*/", ""));
        flash += array(text, "uint8_t", &format!("nibble_weights{i}"), &packed);
        flash += array(text, "int32_t", &format!("nibble_bias{i}"), bias);
        let multipliers: Vec<i32> = requantize.iter().map(|by| by.multiplier).collect();
        flash += array(text, "int32_t", &format!("nibble_multiplier{i}"), &multipliers);
        let shifts: Vec<u8> = requantize.iter().map(|by| by.shift as u8).collect();
        flash += array(text, "uint8_t", &format!("nibble_shift{i}"), &shifts);
    }
    flash
}

fn array<T: Display>(text: &mut String, kind: &str, name: &str, values: &[T]) -> usize {
    put!(text, "static const {kind} {name}[{}] = {{\n{}}};", values.len(), lines(values));
    size_of_val(values)
}

fn lines<T: Display>(values: &[T]) -> String {
    let line = |line: &[T]| line.iter().map(|value| format!("{value},")).collect::<String>() + "\n";
    values.chunks(LINE).map(line).collect()
}

/// The function that computes the logits.
fn program(text: &mut String, integer: &Integer, arena: &Arena) {
    put!(text, "\n/* Of a picture, [32][32] pixels R G B; arena: NIBBLE_ARENA bytes to work in. */");
    put!(text, "static void nibble_logits(const uint8_t *pixels, int8_t *arena, int32_t *logits)\n{{");
    let at = |value: usize| format!("arena + {}", arena.offsets[value]);
    put!(text, "    int8_t *image = {};", at(0));
    put!(
        text,
        "    for (int i = 0; i < NIBBLE_PIXELS; i++)\n        image[i] = nibble_table[i % 3][pixels[i]];"
    );
    for (i, (step, inputs)) in integer.steps.iter().enumerate() {
        let (from, to) = (&integer.values[inputs[0]], &integer.values[i + 1]);
        let last = i + 1 == integer.steps.len();
        write_step(text, step, (inputs, integer), [from, to], i, &at, last);
    }
    put!(text, "}}");
}

fn write_step(
    text: &mut String,
    step: &Step,
    (inputs, integer): (&[usize], &Integer),
    [from, to]: [&Value; 2],
    i: usize,
    at: &dyn Fn(usize) -> String,
    last: bool,
) {
    let ([h, w, c], Span { zero, least, most, .. }) = (from.shape, to.span);
    let (x, y) = (at(inputs[0]), at(i + 1));
    let length = h * w * c;
    let span = format!("{{{zero}, {least}, {most}}}");
    let from_zero = from.span.zero;
    put!(text, "    {{ /* {} */", to.name.replace("*/", ""));
    match step {
        Step::Conv { weights, stride, .. } => {
            let outputs = to.shape[2];
            let (size, bits) = (weights.size, weights.bits);
            put!(
                text,
                "        static const nibble_conv layer = {{{h}, {w}, {c}, {size}, {stride}, {outputs}, {bits}, {from_zero}, {span},\n            \
                 nibble_weights{i}, nibble_bias{i}, nibble_multiplier{i}, nibble_shift{i}}};"
            );
            let to = if last { "0, logits".into() } else { format!("{y}, 0") };
            put!(text, "        nibble_convolve(&layer, {x}, {to});");
        }
        Step::Add { factors, shift } => {
            put!(text, "        static const nibble_span span = {span};");
            put!(text, "        nibble_term terms[{}];", factors.len());
            for (term, (input, factor)) in inputs.iter().zip(factors).enumerate() {
                let zero = integer.values[*input].span.zero;
                put!(
                    text,
                    "        terms[{term}].x = {}, terms[{term}].zero = {zero}, terms[{term}].factor = {factor};",
                    at(*input)
                );
            }
            put!(text, "        nibble_add(terms, {}, {shift}, {length}, &span, {y});", factors.len());
        }
        Step::MaxPool => put!(text, "        nibble_max_pool({x}, {h}, {w}, {c}, {y});"),
        Step::Flatten => put!(text, "        nibble_flatten({x}, {}, {c}, {y});", h * w),
        Step::Mean(by) => {
            put!(text, "        static const nibble_span span = {span};");
            let Requantize { multiplier, shift } = by;
            put!(
                text,
                "        nibble_mean({x}, {}, {c}, {from_zero}, {multiplier}, {shift}, &span, {y});",
                h * w
            );
        }
        Step::Rescale(by) => {
            put!(text, "        static const nibble_span span = {span};");
            let Requantize { multiplier, shift } = by;
            put!(
                text,
                "        nibble_rescale({x}, {length}, {from_zero}, {multiplier}, {shift}, &span, {y});"
            );
        }
    }
    put!(text, "    }}");
}

/// Pictures and their logits by the reference, and the names of the classes.
fn tests(text: &mut String, network: &Network, integer: &Integer) {
    let pictures: Vec<Vec<u8>> = network.images.chunks_exact(IMAGE_BYTES).take(TESTS).map(pixels).collect();
    put!(text, "\n#ifdef NIBBLE_MAIN");
    put!(text, "static const char *const nibble_classes[NIBBLE_CLASSES] = {{");
    network.classes.iter().for_each(|class| put!(text, "    {},", quoted(class)));
    put!(text, "}};\n\n/* Some training images, and their logits by the reference. */");
    put!(text, "#define NIBBLE_TESTS {}", pictures.len());
    put!(text, "static const uint8_t nibble_test_pixels[NIBBLE_TESTS][NIBBLE_PIXELS] = {{");
    pictures.iter().for_each(|pixels| put!(text, "{{\n{}}},", lines(pixels)));
    put!(text, "}};\nstatic const int32_t nibble_test_logits[NIBBLE_TESTS][NIBBLE_CLASSES] = {{");
    pictures.iter().for_each(|pixels| put!(text, "{{\n{}}},", lines(&integer.logits(pixels))));
    put!(text, "}};\n#endif");
}
