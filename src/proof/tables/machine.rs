//! A machine: its states, its commands, and what each command does in each state, every cell played.
//!
//! A cell of the table is the state that follows, `-` where the step is illegal (409 with the list of what is legal), or
//! `!code` where it is refused for another reason. Every way to a state is played anew for every command that changes
//! something; what is refused changes nothing, so all refusals of a state are asked of one world. The list of legal steps
//! that comes with a refusal is compared with what the row of the table takes.

use std::collections::BTreeSet;

use super::teller::Teller;
use crate::domain::rejection::Rejection;

/// See the module.
pub struct Machine {
    /// Its name, for messages.
    pub name: &'static str,
    /// How each of its stories begins.
    pub begins: &'static str,
    /// The way to each state, as a story.
    pub ways: &'static [(&'static str, &'static str)],
    /// Each command by the word of its column, as lines; the last is the one that is judged.
    pub commands: &'static [(&'static str, &'static str)],
    /// Columns, then each state and its cells.
    pub table: &'static str,
    /// Where its subject stands.
    pub stands: fn(&Teller) -> String,
}

/// What a command came to.
struct Cell {
    word: String,
    /// The steps that a refusal says are legal.
    legal: Option<BTreeSet<String>>,
    /// Whether something was written.
    wrote: bool,
}

impl Machine {
    /// Plays every cell, without and with restarts. `states` and `steps` are all that the domain has: each state must have
    /// its row, each step its column.
    pub fn check(&self, states: &[&str], steps: &[&str]) {
        let rows: BTreeSet<&str> = self.ways.iter().map(|(state, _)| *state).collect();
        assert_eq!(rows, states.iter().copied().collect(), "{}: every state has its way", self.name);
        for step in steps {
            assert!(self.commands.iter().any(|(word, _)| word == step), "{}: {step} has no column", self.name);
        }
        let rows = self.table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let expected: Vec<Vec<&str>> = rows.filter(|row| !row.is_empty()).collect();
        for restarts in [false, true] {
            let is = self.play(restarts, steps);
            assert_eq!(
                is,
                expected,
                "{} {} restarts is\n{}and should be\n{}",
                self.name,
                if restarts { "with" } else { "without" },
                aligned(&is),
                aligned(&expected)
            );
        }
    }

    fn play(&self, restarts: bool, steps: &[&str]) -> Vec<Vec<String>> {
        let head = self.commands.iter().map(|(word, _)| (*word).to_owned()).collect();
        let row = |(state, way): &(&str, &str)| {
            let mut world = None;
            let cells: Vec<Cell> = self
                .commands
                .iter()
                .map(|(_, lines)| {
                    let mut teller = world.take().unwrap_or_else(|| self.at(state, way, restarts));
                    let cell = self.judged(&mut teller, lines);
                    if !cell.wrote {
                        world = Some(teller);
                    }
                    cell
                })
                .collect();
            self.check_legal(state, &cells, steps);
            let cells = cells.into_iter().map(|cell| cell.word);
            [(*state).to_owned()].into_iter().chain(cells).collect()
        };
        [head].into_iter().chain(self.ways.iter().map(row)).collect()
    }

    fn at(&self, state: &str, way: &str, restarts: bool) -> Teller {
        let mut teller = Teller::new(restarts);
        self.begins.lines().chain(way.lines()).for_each(|line| teller.tell(line));
        assert_eq!((self.stands)(&teller), state, "{}: the way to {state}", self.name);
        teller
    }

    fn judged(&self, teller: &mut Teller, lines: &str) -> Cell {
        let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let [before @ .., last] = lines.as_slice() else { panic!("a command has a line") };
        let (seq, stood) = (teller.seq(), (self.stands)(teller));
        before.iter().for_each(|line| teller.tell(line));
        let ended = teller.take(last);
        let (stands, wrote) = ((self.stands)(teller), teller.seq() > seq);
        match ended {
            Ok(()) => Cell { word: stands, legal: None, wrote },
            Err(rejection) => {
                assert!(wrote || stands == stood, "{}: {last} was refused and moved something", self.name);
                let legal = legal(&rejection);
                let is_step = rejection.code() == "illegal_transition";
                let word = if is_step { "-".to_owned() } else { format!("!{}", rejection.code()) };
                Cell { word, legal, wrote }
            }
        }
    }

    /// What a refusal calls legal is what the row takes.
    fn check_legal(&self, state: &str, cells: &[Cell], steps: &[&str]) {
        let taken = self
            .commands
            .iter()
            .zip(cells)
            .filter(|((word, _), cell)| steps.contains(word) && !cell.word.starts_with(['-', '!']));
        let taken: BTreeSet<String> = taken.map(|((word, _), _)| (*word).to_owned()).collect();
        for ((word, _), cell) in self.commands.iter().zip(cells) {
            if let Some(legal) = &cell.legal {
                assert_eq!(*legal, taken, "{}: {word} of what is {state} is refused, and this is legal", self.name);
            }
        }
    }
}

/// The steps that a refusal names as legal, when it is one that does.
fn legal(rejection: &Rejection) -> Option<BTreeSet<String>> {
    let words = rejection.legal()?;
    let said = rejection.to_string();
    assert!(words.iter().all(|word| said.contains(word)), "{said} names {words:?}");
    Some(words.into_iter().map(str::to_owned).collect())
}

fn aligned<Word: AsRef<str>>(rows: &[Vec<Word>]) -> String {
    let line = |row: &Vec<Word>| {
        let words: String = row.iter().map(|word| format!("{:<22}", word.as_ref())).collect();
        format!("{}\n", words.trim_end())
    };
    rows.iter().map(line).collect()
}
