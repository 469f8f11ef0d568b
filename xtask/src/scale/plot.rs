//! How cost grows with the number of tasks, drawn as SVG; both axes are logarithmic.

use std::fmt::Write as _;

use super::{bars::n_log_n, record::Burst};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// A line of the drawing.
struct Series {
    name: &'static str,
    colour: &'static str,
    dashes: &'static str,
    points: Vec<(f64, f64)>,
}

/// Where numbers stand.
struct Axes {
    /// Exponents of ten.
    x: (f64, f64),
    y: (f64, f64),
}

/// Draws the time and the CPU of each burst, and n log n from the smallest one on.
pub(crate) fn draw(bursts: &[Burst]) -> String {
    let series = series(bursts);
    let points = || series.iter().flat_map(|series| &series.points);
    let axes = Axes { x: decades(points().map(|(x, _)| *x)), y: decades(points().map(|(_, y)| *y)) };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    axes.draw(&mut svg);
    for (index, series) in series.iter().enumerate() {
        series.draw(&axes, &mut svg);
        legend(series, index, &mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

fn series(bursts: &[Burst]) -> Vec<Series> {
    let line = |name, colour, way: &str, cost: fn(&Burst) -> f64| {
        let mut points: Vec<(f64, f64)> =
            bursts.iter().filter(|burst| burst.way == way).map(|burst| (burst.tasks, cost(burst))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Series { name, colour, dashes: "", points }
    };
    let time = line("all RUNNING after", "#0b6", "framework", |burst| burst.seconds);
    let bound = time.points.first().map(|(first, seconds)| {
        let bound = |(tasks, _): &(f64, f64)| (*tasks, seconds * n_log_n(*tasks) / n_log_n(*first));
        time.points.iter().map(bound).collect()
    });
    let bound = Series { name: "n log n", colour: "#888", dashes: "6 4", points: bound.unwrap_or_default() };
    let all = [
        bound,
        time,
        line("CPU of the client", "#06c", "framework", |burst| burst.client_cpu),
        line("CPU of the master", "#c60", "framework", |burst| burst.master_cpu),
        line("mesos-actor's way", "#c03", "mesos-actor", |burst| burst.seconds),
    ];
    all.into_iter().filter(|series| !series.points.is_empty()).collect()
}

/// Whole powers of ten around numbers that are larger than nothing.
fn decades(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let logarithms = numbers.filter(|number| *number > 0.0).map(f64::log10);
    let least = logarithms.clone().fold(f64::INFINITY, f64::min).floor();
    let most = logarithms.fold(f64::NEG_INFINITY, f64::max).ceil();
    if least < most { (least, most) } else { (0.0, 1.0) }
}

impl Axes {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share = |number: f64, (least, most): (f64, f64)| (number.log10() - least) / (most - least);
        (
            LEFT + share(x, self.x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - share(y, self.y) * (HEIGHT - TOP - BOTTOM),
        )
    }

    fn draw(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for exponent in exponents(self.x) {
            let (x, _) = self.place((10f64.powi(exponent), 1.0));
            line(svg, (x, TOP), (x, bottom));
            let label =
                if exponent < 6 { 10f64.powi(exponent).to_string() } else { format!("10^{exponent}") };
            text(svg, (x, bottom + 20.0), "middle", &label);
        }
        for exponent in exponents(self.y) {
            let (_, y) = self.place((1.0, 10f64.powi(exponent)));
            line(svg, (LEFT, y), (right, y));
            text(svg, (LEFT - 8.0, y + 4.0), "end", &format!("{} s", 10f64.powi(exponent)));
        }
        text(svg, ((LEFT + right) / 2.0, HEIGHT - 10.0), "middle", "tasks submitted at once");
        text(svg, (LEFT, TOP - 16.0), "start", "seconds");
    }
}

impl Series {
    fn draw(&self, axes: &Axes, svg: &mut String) {
        let places: Vec<(f64, f64)> = self.points.iter().map(|point| axes.place(*point)).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let Self { colour, dashes, .. } = self;
        write_line(
            svg,
            format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" \
                 stroke-dasharray=\"{dashes}\"/>",
                path.join(" ")
            ),
        );
        if dashes.is_empty() {
            for (x, y) in places {
                write_line(
                    svg,
                    format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"),
                );
            }
        }
    }
}

fn legend(series: &Series, index: usize, svg: &mut String) {
    let (x, y) = (WIDTH - RIGHT + 20.0, TOP + 10.0 + 24.0 * index as f64);
    let Series { colour, dashes, name, .. } = series;
    write_line(
        svg,
        format_args!(
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"3\" \
             stroke-dasharray=\"{dashes}\"/>",
            x + 24.0
        ),
    );
    text(svg, (x + 32.0, y + 4.0), "start", name);
}

fn exponents((least, most): (f64, f64)) -> impl Iterator<Item = i32> {
    least as i32..=most as i32
}

fn line(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    write_line(
        svg,
        format_args!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#ddd\"/>"),
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    write_line(
        svg,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#222\">{text}</text>"),
    );
}

fn write_line(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::bars::tests::burst;

    #[test]
    fn points_stand_where_their_logarithms_are() {
        let svg = draw(&[
            burst("framework", 1000.0, 0.1),
            burst("framework", 100_000.0, 10.0),
            burst("mesos-actor", 1000.0, 100.0),
        ]);
        // From 1000 to 100000 tasks, and from 0.01 s (the CPU of the master) to 100 s.
        for place in [
            "<circle cx=\"80.0\" cy=\"317.5\" r=\"4\" fill=\"#0b6\"/>",
            "<circle cx=\"530.0\" cy=\"132.5\" r=\"4\" fill=\"#0b6\"/>",
            "<circle cx=\"80.0\" cy=\"40.0\" r=\"4\" fill=\"#c03\"/>",
            ">100000</text>",
            ">0.01 s</text>",
            ">n log n</text>",
        ] {
            assert!(svg.contains(place), "{place}\n{svg}");
        }
        assert_eq!(svg.matches("<polyline").count(), 5);
    }

    #[test]
    fn nothing_measured_is_drawn_as_empty_axes() {
        let svg = draw(&[]);
        assert!(svg.contains(">1 s</text>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
