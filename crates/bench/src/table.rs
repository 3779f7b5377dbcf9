//! Figures of several runs, and how they are shown.

/// One figure in all runs.
#[derive(Clone)]
pub(crate) struct Figure {
    name: String,
    values: Vec<f64>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), values: Vec::new() }
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The value of the newest run.
    pub(crate) fn last(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }

    /// The value of a run.
    pub(crate) fn at(&self, run: usize) -> f64 {
        self.values.get(run).copied().unwrap_or(f64::NAN)
    }

    /// This figure under another name.
    pub(crate) fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// The least, the middle and the greatest value.
    fn spread(&self) -> Option<(f64, f64, f64)> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        Some((*sorted.first()?, sorted[sorted.len() / 2], *sorted.last()?))
    }
}

/// Prints figures, one on each line.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(crate) fn print(title: &str, figures: &[Figure]) {
    println!("\n{title}\n{:<52} {:>12} {:>12} {:>12}", "", "min", "median", "max");
    for figure in figures {
        if let Some((least, middle, greatest)) = figure.spread() {
            println!("{:<52} {} {} {}", figure.name, shown(least), shown(middle), shown(greatest));
        }
    }
}

/// Prints rates beside the first of them, as a table of Markdown.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(crate) fn print_beside_first(head: &str, rates: &[Figure]) {
    println!("| {head} | a second | beside the first line |\n|---|---|---|");
    let first = rates.first().and_then(Figure::spread).map_or(f64::NAN, |(_, middle, _)| middle);
    for rate in rates {
        if let Some((_, middle, _)) = rate.spread() {
            println!("| {} | {middle:.0} | {:.2} |", rate.name, middle / first);
        }
    }
}

fn shown(value: f64) -> String {
    let digits = if value.abs() >= 1_000.0 { 0 } else { 3 };
    format!("{value:>12.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_median() {
        let mut figure = Figure::new("x");
        assert!(figure.spread().is_none());
        for value in [5.0, 1.0, 9.0, 2.0, 7.0] {
            figure.add(value);
        }
        assert_eq!(figure.spread(), Some((1.0, 5.0, 9.0)));
        assert_eq!(figure.last().to_bits(), 7.0_f64.to_bits());
    }
}
