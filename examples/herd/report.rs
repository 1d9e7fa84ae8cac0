//! The figures in tables, and the tables in the document.

use std::{fmt::Write, fs, io, path::Path};

use mcp_protocol::{Jitter, MaxAttempts};
use serde::{Deserialize, Serialize};

use crate::{
    figures::{Figures, MILESTONES},
    world::{Policy, Scenario},
};

/// What one run of a table came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Of the table.
    pub(crate) table: String,
    /// Seconds that the server needs at least to take all clients.
    least: f64,
    jitter: String,
    attempts: String,
    max_delay: f64,
    recovered_after: [Option<f64>; MILESTONES.len()],
    failed: f64,
    waiting: f64,
    dials: f64,
    peak: f64,
    wasted: f64,
}

impl Row {
    pub(crate) fn new(table: &str, scenario: &Scenario, policy: &Policy, figures: &Figures) -> Self {
        let of_all = |count: u64| count as f64 / f64::from(figures.clients);
        let least = f64::from(scenario.clients) / f64::from(scenario.accept_rate);
        Self {
            table: table.to_owned(),
            least,
            jitter: jitter(policy.jitter),
            attempts: match policy.attempts {
                MaxAttempts::Limited(limit) => limit.to_string(),
                MaxAttempts::Unlimited => "Infinity".to_owned(),
            },
            max_delay: policy.max_delay.as_secs_f64(),
            recovered_after: figures.recovered_after,
            failed: of_all(figures.failed()) * 100.0,
            waiting: of_all(figures.waiting()) * 100.0,
            dials: of_all(figures.dials()),
            peak: f64::from(figures.peak()) / f64::from(scenario.accept_rate),
            wasted: of_all(figures.wasted),
        }
    }
}

/// As the option is written.
pub(crate) fn jitter(jitter: Jitter) -> String {
    match jitter {
        Jitter::Full => "'full'".to_owned(),
        Jitter::Fraction(fraction) => fraction.to_string(),
    }
}

/// A table in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(HEAD);
    for row in rows {
        let after = row.recovered_after.map(|seconds| seconds.map_or_else(|| "never".into(), |s| format!("{s:.0} s")));
        writeln!(
            text,
            "| {:.0} s | {} | {} | {:.0} s | {} | {:.1} % | {:.1} % | {:.1} | {:.1} | {:.2} |",
            row.least,
            row.jitter,
            row.attempts,
            row.max_delay,
            after.join(" | "),
            row.failed,
            row.waiting,
            row.dials,
            row.peak,
            row.wasted
        )
        .expect("a string takes all");
    }
    text
}

/// Puts each table between its marks.
pub(crate) fn fill(document: &str, rows: &[Row]) -> Result<String, String> {
    let mut filled = document.to_owned();
    let mut names: Vec<&str> = rows.iter().map(|row| row.table.as_str()).collect();
    names.dedup();
    for name in names {
        let (begin, end) = (format!("<!-- herd: {name} -->\n"), format!("<!-- herd: end of {name} -->"));
        let from = filled.find(&begin).ok_or_else(|| format!("the document has no {begin}"))? + begin.len();
        let to = filled[from..].find(&end).ok_or_else(|| format!("the document has no {end}"))? + from;
        let of_table: Vec<Row> = rows.iter().filter(|row| row.table == name).cloned().collect();
        filled.replace_range(from..to, &format!("\n{}\n", table(&of_table)));
    }
    Ok(filled)
}

/// Keeps the rows, and writes them into the document.
pub(crate) fn store(root: &Path, rows: &[Row]) -> io::Result<()> {
    let lines: Vec<String> = rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    fs::write(root.join(FIGURES), format!("[\n{}\n]\n", lines.join(",\n")))?;
    let document = fs::read_to_string(root.join(DOCUMENT))?;
    fs::write(root.join(DOCUMENT), fill(&document, rows).map_err(io::Error::other)?)
}

/// The document, from the root of the project.
pub(crate) const DOCUMENT: &str = "docs/scaling.md";
/// Its figures.
pub(crate) const FIGURES: &str = "docs/scaling/figures.json";

const HEAD: &str = "\
| least time | `reconnectJitter` | `maxReconnectAttempts` | `maxReconnectDelay` | 50 % back | 99 % back | 100 % back | failed | still waiting | dials per client | peak over rate | wasted per client |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_figures_that_were_stored() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let rows: Vec<Row> = serde_json::from_str(&fs::read_to_string(root.join(FIGURES)).unwrap()).unwrap();
        let document = fs::read_to_string(root.join(DOCUMENT)).unwrap();
        assert_eq!(fill(&document, &rows).unwrap(), document, "run `cargo run --release --example herd`");
        assert!(rows.len() > 10);
    }

    #[test]
    fn a_document_without_the_marks_is_refused_by_their_names() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let rows: Vec<Row> = serde_json::from_str(&fs::read_to_string(root.join(FIGURES)).unwrap()).unwrap();
        assert!(fill("nothing", &rows).unwrap_err().contains(&rows[0].table));
    }
}
