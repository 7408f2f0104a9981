//! What the kernel in full was told of an order's lines, of brackets and tables, of nodes and of units, in one piece of memory:
//! one is made for every order.
//!
//! **Words.** Line by line four: its load, what it costs to leave any of it and a unit, its rules. The ends of brackets. Where
//! the costs of each table end. Node by node three: what a parcel and a unit cost, its table with the parcels it may send. What
//! units cost, where that is not nothing for all. The costs of the tables.
//!
//! **Bytes.** Five lists: lines, ends of brackets, costs of each table, nodes, what a unit costs by node and line.
//!
//! What is *not* here: how much of it is kept (`recording`).

use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::weighed::{WeighedLine, WeighedNode};

const LINE_WORDS: usize = 4;
const NODE_WORDS: usize = 3;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    words: Box<[i64]>,
    sizes: Sizes,
}

/// How many there are of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sizes {
    /// Lines.
    pub lines: usize,
    /// Brackets.
    pub brackets: usize,
    /// Tables.
    pub tables: usize,
    /// Costs of all tables.
    pub costs: usize,
    /// Nodes.
    pub nodes: usize,
    /// Figures of units: one a line, node by node.
    pub units: usize,
    /// Whether all of these are zero, so that none is kept.
    pub are_units_free: bool,
}

/// The words by what they tell.
pub(super) struct Words<'a> {
    pub lines: &'a mut [[i64; LINE_WORDS]],
    pub up_to_g: &'a mut [i64],
    /// Where the costs of each table end.
    pub ends: &'a mut [i64],
    pub nodes: &'a mut [[i64; NODE_WORDS]],
    /// Empty where units cost nothing.
    pub units: &'a mut [i64],
    pub costs: &'a mut [i64],
}

impl Sizes {
    /// Figures of units that are kept.
    fn units_kept(&self) -> usize {
        if self.are_units_free { 0 } else { self.units }
    }

    /// Where brackets, ends of tables, nodes, units and costs begin, and where all of it ends.
    fn starts(&self) -> [usize; 6] {
        let brackets = LINE_WORDS * self.lines;
        let ends = brackets + self.brackets;
        let nodes = ends + self.tables;
        let units = nodes + NODE_WORDS * self.nodes;
        let costs = units + self.units_kept();
        [brackets, ends, nodes, units, costs, costs + self.costs]
    }
}

impl Told {
    /// So much of it, to be written by [`Told::words`].
    pub(super) fn of(sizes: Sizes) -> Self {
        // So that equal lists are told in equal words.
        let sizes = Sizes { are_units_free: sizes.are_units_free && sizes.units > 0, ..sizes };
        Self { words: vec![0; sizes.starts()[5]].into(), sizes }
    }

    pub(super) fn words(&mut self) -> Words<'_> {
        let sizes = self.sizes;
        let (lines, rest) = self.words.split_at_mut(LINE_WORDS * sizes.lines);
        let (up_to_g, rest) = rest.split_at_mut(sizes.brackets);
        let (ends, rest) = rest.split_at_mut(sizes.tables);
        let (nodes, rest) = rest.split_at_mut(NODE_WORDS * sizes.nodes);
        let (units, costs) = rest.split_at_mut(sizes.units_kept());
        let (lines, nodes) = (lines.as_chunks_mut().0, nodes.as_chunks_mut().0);
        Words { lines, up_to_g, ends, nodes, units, costs }
    }

    /// Of lists.
    pub fn listed(
        lines: &[WeighedLine],
        up_to_g: &[u64],
        tables: &[Vec<i64>],
        nodes: &[WeighedNode],
        units: &[i64],
    ) -> Self {
        let mut told = Self::of(Sizes {
            lines: lines.len(),
            brackets: up_to_g.len(),
            tables: tables.len(),
            costs: tables.iter().map(Vec::len).sum(),
            nodes: nodes.len(),
            units: units.len(),
            are_units_free: units.iter().all(|cost| *cost == 0),
        });
        let mut words = told.words();
        words.lines.iter_mut().zip(lines).for_each(|(words, line)| *words = line.words());
        words.up_to_g.iter_mut().zip(up_to_g).for_each(|(word, end)| *word = end.cast_signed());
        words.add_tables(tables.iter().map(|table| table.iter().copied()));
        words.nodes.iter_mut().zip(nodes).for_each(|(words, node)| *words = node.words());
        words.units.iter_mut().zip(units).for_each(|(word, cost)| *word = *cost);
        told
    }

    fn part(&self, at: usize) -> &[i64] {
        let starts = self.sizes.starts();
        &self.words[starts[at]..starts[at + 1]]
    }

    /// By seen line.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = WeighedLine> {
        self.words[..self.sizes.starts()[0]].as_chunks().0.iter().map(WeighedLine::of)
    }

    /// Loads up to which the brackets of the tables go: grams, or grams above so many bits of volume.
    pub fn up_to_g(&self) -> impl ExactSizeIterator<Item = u64> {
        self.part(0).iter().map(|end| end.cast_unsigned())
    }

    /// What a parcel costs by bracket, table by table, its service chosen; [`Rates::NONE`] where nobody carries it.
    ///
    /// [`Rates::NONE`]: super::sourcing::costed::Rates::NONE
    pub fn tables(&self) -> impl ExactSizeIterator<Item = &[i64]> {
        let (mut from, costs) = (0, self.part(4));
        self.part(1).iter().map(move |end| &costs[std::mem::replace(&mut from, *end as usize)..*end as usize])
    }

    /// By candidate.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = WeighedNode> {
        self.part(2).as_chunks().0.iter().map(WeighedNode::of)
    }

    /// One of them.
    pub fn node(&self, at: usize) -> WeighedNode {
        WeighedNode::of(&self.part(2).as_chunks().0[at])
    }

    /// What a unit costs from a candidate, by seen line.
    pub fn unit_costs(&self, at: usize) -> impl ExactSizeIterator<Item = i64> {
        let (units, lines) = (self.part(3), self.sizes.lines);
        (at * lines..(at + 1) * lines).map(move |unit| if units.is_empty() { 0 } else { units[unit] })
    }
}

impl Words<'_> {
    /// Writes the costs of all tables, each of so many brackets.
    pub fn add_whole(&mut self, costs: &[i64], brackets: usize) {
        self.costs.copy_from_slice(costs);
        (1..).zip(&mut *self.ends).for_each(|(count, end)| *end = count * brackets as i64);
    }

    /// Writes the costs of each table.
    pub fn add_tables<T: ExactSizeIterator<Item = i64>>(&mut self, tables: impl Iterator<Item = T>) {
        let mut from = 0;
        for (end, table) in self.ends.iter_mut().zip(tables) {
            let to = from + table.len();
            self.costs[from..to].iter_mut().zip(table).for_each(|(word, cost)| *word = cost);
            from = to;
            *end = to as i64;
        }
    }
}

impl WeighedLine {
    /// Whether it ships in full, and by one more than the number it ships together with.
    pub(super) fn words(&self) -> [i64; LINE_WORDS] {
        let Self { unit_weight_g, per_line, per_unit, complete, together } = *self;
        let together = together.map_or(0, |number| i64::from(number) + 1);
        [unit_weight_g.cast_signed(), per_line, per_unit, together << 1 | i64::from(complete)]
    }

    fn of([unit_weight_g, per_line, per_unit, rules]: &[i64; LINE_WORDS]) -> Self {
        let together = (rules >> 1 > 0).then(|| ((rules >> 1) - 1) as u8);
        let (unit_weight_g, complete) = (unit_weight_g.cast_unsigned(), rules & 1 == 1);
        Self { unit_weight_g, per_line: *per_line, per_unit: *per_unit, complete, together }
    }
}

impl WeighedNode {
    /// The table below the parcels.
    pub(super) fn words(&self) -> [i64; NODE_WORDS] {
        let Self { per_shipment, per_unit, table, parcels_max } = *self;
        [per_shipment, per_unit, i64::from(parcels_max) << 16 | i64::from(table)]
    }

    fn of([per_shipment, per_unit, sent]: &[i64; NODE_WORDS]) -> Self {
        let (per_shipment, per_unit) = (*per_shipment, *per_unit);
        Self { per_shipment, per_unit, table: *sent as u16, parcels_max: (sent >> 16) as u32 }
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lists = serializer.serialize_tuple(5)?;
        lists.serialize_element(&Each(|| self.lines()))?;
        lists.serialize_element(&Each(|| self.up_to_g()))?;
        lists.serialize_element(&Each(|| self.tables()))?;
        lists.serialize_element(&Each(|| self.nodes()))?;
        let unit = |at| self.part(3).get(at).copied().unwrap_or(0);
        lists.serialize_element(&Each(|| (0..self.sizes.units).map(unit)))?;
        lists.end()
    }
}

/// A list, written item by item.
struct Each<F>(F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Lists = (Vec<WeighedLine>, Vec<u64>, Vec<Vec<i64>>, Vec<WeighedNode>, Vec<i64>);
        let (lines, up_to_g, tables, nodes, units) = Lists::deserialize(deserializer)?;
        Ok(Self::listed(&lines, &up_to_g, &tables, &nodes, &units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(unit_weight_g: u64, complete: bool, together: Option<u8>) -> WeighedLine {
        WeighedLine { unit_weight_g, per_line: 1 << 41, per_unit: 7, complete, together }
    }

    #[test]
    fn it_is_written_as_lists_and_read_back_whatever_units_cost() {
        let lines = [line(u64::MAX, true, None), line(5, false, Some(0)), line(0, true, Some(u8::MAX))];
        let (up_to_g, tables) = ([7, u64::MAX], [vec![1, -1], vec![], vec![3]]);
        let node = |table, parcels_max| WeighedNode { per_shipment: 9, per_unit: -4, table, parcels_max };
        let nodes = [node(2, u32::MAX), node(u16::MAX, 0)];
        for units in [[0; 6], [0, -1, 2, 3, 4, 1 << 41]] {
            let told = Told::listed(&lines, &up_to_g, &tables, &nodes, &units);
            let lists = serde_json::to_string(&(&lines, &up_to_g, &tables, &nodes, &units)).expect("memory takes all");
            let written = serde_json::to_string(&told).expect("memory takes all bytes");
            assert_eq!(written, lists);
            assert_eq!(serde_json::from_str::<Told>(&written).expect("as written"), told);
            assert_eq!((told.node(1), told.lines().nth(2)), (nodes[1], Some(lines[2])));
            assert_eq!(told.unit_costs(1).collect::<Vec<_>>(), units[3..]);
            assert_eq!(told.tables().collect::<Vec<_>>(), tables);
        }
        assert_eq!(Told::listed(&[], &[], &[], &[], &[]), Told::default());
    }
}
