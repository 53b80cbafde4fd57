//! Rounding of activations, in the very operations of [`Rounding::apply`]: the same bits.

use super::graph::Builder;
use crate::kernels::minifloat::{Minifloat, power_of_two};
use crate::kernels::rounding::{BLOCK, Rounding};
use crate::tensor::Shape;

/// Adds the nodes that round `x`, which is never negative; `own` is a prefix of names, `name` that of the result.
pub(super) fn add(
    graph: &mut Builder,
    rounding: &Rounding,
    x: &str,
    own: &str,
    shape: Shape,
    name: &str,
) -> String {
    match *rounding {
        Rounding::Uniform { scale, most } => {
            let scale = graph.float(format!("{own}.scale"), scale);
            let parts = graph.node("Div", &[x, &scale], format!("{own}.parts"), &[]);
            let levels = graph.node("Round", &[&parts], format!("{own}.levels"), &[]);
            let [least, most] = [("least", 0.0), ("most", most)]
                .map(|(part, value)| graph.float(format!("{own}.{part}"), value));
            let clipped = graph.node("Clip", &[&levels, &least, &most], format!("{own}.clipped"), &[]);
            graph.node("Mul", &[&clipped, &scale], name, &[])
        }
        Rounding::Float { format, scale } => {
            let scale = graph.float(format!("{own}.scale"), scale);
            let parts = graph.node("Div", &[x, &scale], format!("{own}.parts"), &[]);
            let levels = to_format(graph, format, &parts, own, &format!("{own}.levels"));
            graph.node("Mul", &[&levels, &scale], name, &[])
        }
        Rounding::Microscaled { format } => microscaled(graph, format, x, own, shape, name),
    }
}

/// `round(x / step) * step`, the step doubled from each power of two of the format on: all of it exact.
fn to_format(graph: &mut Builder, format: Minifloat, x: &str, own: &str, name: &str) -> String {
    let [least, most] = [("least", 0.0), ("most", format.largest)]
        .map(|(part, value)| graph.float(format!("{own}.{part}"), value));
    let x = graph.node("Clip", &[x, &least, &most], format!("{own}.inside"), &[]);
    let lowest = format.lowest_exponent;
    let step_of = |exponent: i32| power_of_two(exponent - format.mantissa_bits as i32);
    let mut step = graph.float(format!("{own}.step"), step_of(lowest));
    for exponent in lowest + 1..=format.largest_exponent() {
        let part = |what: &str| format!("{own}.{what}{exponent}");
        let power = graph.float(part("power"), power_of_two(exponent));
        let above = graph.node("GreaterOrEqual", &[&x, &power], part("above"), &[]);
        let wider = graph.float(part("wider"), step_of(exponent));
        step = graph.node("Where", &[&above, &wider, &step], part("step"), &[]);
    }
    let parts = graph.node("Div", &[&x, &step], format!("{own}.steps"), &[]);
    let whole = graph.node("Round", &[&parts], format!("{own}.whole"), &[]);
    graph.node("Mul", &[&whole, &step], name, &[])
}

/// The same in units of a power of two for every [`BLOCK`] channels, found from the largest of them.
fn microscaled(
    graph: &mut Builder,
    format: Minifloat,
    x: &str,
    own: &str,
    [h, w, c]: Shape,
    name: &str,
) -> String {
    let part = |what: &str| format!("{own}.{what}");
    let blocks = c.div_ceil(BLOCK);
    let block = if blocks == 1 { c } else { BLOCK };
    // Zeros behind the last channel change no block's largest value.
    let mut padded = x.to_owned();
    if blocks * block > c {
        let pads = [0, 0, 0, 0, 0, (blocks * block - c) as i64, 0, 0];
        let pads = graph.ints(part("pads"), &pads);
        padded = graph.node("Pad", &[x, &pads], part("padded"), &[]);
    }
    let sizes = graph.ints(part("blocks"), &[-1, blocks as i64, block as i64, h as i64, w as i64]);
    let x = graph.node("Reshape", &[&padded, &sizes], part("blocked"), &[]);
    let axes = graph.ints(part("axes"), &[2]);
    let largest = graph.node("ReduceMax", &[&x, &axes], part("largest"), &[]);
    let scale = block_scale(graph, format, &largest, own);
    let parts = graph.node("Div", &[&x, &scale], part("parts"), &[]);
    let levels = to_format(graph, format, &parts, own, &part("levels"));
    let values = graph.node("Mul", &[&levels, &scale], part("values"), &[]);
    let sizes = graph.ints(part("channels"), &[-1, (blocks * block) as i64, h as i64, w as i64]);
    if blocks * block == c {
        return graph.node("Reshape", &[&values, &sizes], name, &[]);
    }
    let whole = graph.node("Reshape", &[&values, &sizes], part("whole_blocks"), &[]);
    let [start, end, axis] =
        [("start", 0), ("end", c as i64), ("axis", 1)].map(|(what, value)| graph.ints(part(what), &[value]));
    graph.node("Slice", &[&whole, &start, &end, &axis], name, &[])
}

/// 2^(floor(log2 largest) - e), e the exponent of the format's largest number: the largest value is brought into [1, 2) by
/// powers of two, which is exact, where a logarithm may be a last bit off.
fn block_scale(graph: &mut Builder, format: Minifloat, largest: &str, own: &str) -> String {
    let own = &format!("{own}.block");
    let smallest = graph.float(format!("{own}.smallest"), f32::MIN_POSITIVE);
    let mut rest = graph.node("Max", &[largest, &smallest], format!("{own}.rest"), &[]);
    let one = graph.float(format!("{own}.one"), 1.0);
    let mut power = graph.node("Mul", &[&one, &one], format!("{own}.power"), &[]);
    for (comparison, sign) in [("GreaterOrEqual", 1), ("Less", -1)] {
        for size in [64, 32, 16, 8, 4, 2, 1] {
            let exponent = sign * size;
            let part = |what: &str| format!("{own}.{what}{exponent}");
            // From 2^size on, or below 2^(1 - size).
            let bound = graph.float(part("bound"), power_of_two(if sign > 0 { size } else { 1 - size }));
            let beyond = graph.node(comparison, &[&rest, &bound], part("beyond"), &[]);
            let [by, back] = [("by", exponent), ("back", -exponent)].map(|(what, exponent)| {
                let factor = graph.float(part(&format!("{what}_factor")), power_of_two(exponent));
                graph.node("Where", &[&beyond, &factor, &one], part(what), &[])
            });
            power = graph.node("Mul", &[&power, &by], part("power"), &[]);
            rest = graph.node("Mul", &[&rest, &back], part("rest"), &[]);
        }
    }
    let exponent = graph.float(format!("{own}.exponent"), power_of_two(-format.largest_exponent()));
    let scale = graph.node("Mul", &[&power, &exponent], format!("{own}.unbounded"), &[]);
    let least = graph.float(format!("{own}.least_scale"), format.block_scale(0.0));
    graph.node("Max", &[&scale, &least], format!("{own}.scale"), &[])
}
