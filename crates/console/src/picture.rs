//! Pictures of numbers over time, as SVG.

use std::fmt::Write as _;

use maud::{Markup, html};

/// The size of a picture in units of its own.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 50.0;

/// Numbers from left to right, which `label` says to those who cannot see them.
pub(crate) fn line(values: &[f64], label: &str, is_of_errors: bool) -> Markup {
    let most = values.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let mut points = String::new();
    #[expect(clippy::cast_precision_loss, reason = "there are some hundred values")]
    let step = WIDTH / values.len().saturating_sub(1).max(1) as f64;
    let mut x = 0.0;
    for value in values {
        // A little room above keeps the line whole.
        let y = HEIGHT - value / most * (HEIGHT - 4.0) - 1.0;
        let _ = write!(points, "{x:.1},{y:.1} ");
        x += step;
    }
    html! {
        svg.picture.errors[is_of_errors] viewBox="0 0 200 50" preserveAspectRatio="none" role="img" aria-label=(label) {
            polygon points=(format!("0,50 {points}200,50")) {}
            polyline points=(points.trim_end()) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reaches_from_edge_to_edge_and_the_highest_value_to_the_top() {
        let drawn = line(&[0.0, 5.0, 10.0], "x<y", false).into_string();
        assert!(drawn.contains("polyline points=\"0.0,49.0 100.0,26.0 200.0,3.0\""), "{drawn}");
        assert!(drawn.contains("x&lt;y"), "{drawn}");
        let flat = line(&[0.0, 0.0], "", true).into_string();
        assert!(flat.contains("points=\"0.0,49.0 200.0,49.0\""), "{flat}");
        assert!(!line(&[], "", true).into_string().contains("NaN"));
    }
}
