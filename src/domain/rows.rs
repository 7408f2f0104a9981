//! Rows of figures, some of which are kept: copied without a call for each, as a row is a few figures long.

/// Copies the rows that are kept, one after another, into as much room as they take.
pub(super) fn keep_rows<T: Copy>(from: &[T], width: usize, kept: impl Iterator<Item = usize>, into: &mut [T]) {
    match width {
        0 => {}
        1 => keep::<T, 1>(from, kept, into),
        2 => keep::<T, 2>(from, kept, into),
        3 => keep::<T, 3>(from, kept, into),
        4 => keep::<T, 4>(from, kept, into),
        5 => keep::<T, 5>(from, kept, into),
        6 => keep::<T, 6>(from, kept, into),
        7 => keep::<T, 7>(from, kept, into),
        8 => keep::<T, 8>(from, kept, into),
        _ => {
            let rows = into.chunks_exact_mut(width).zip(kept);
            rows.for_each(|(own, at)| own.copy_from_slice(&from[at * width..(at + 1) * width]));
        }
    }
}

fn keep<T: Copy, const WIDTH: usize>(from: &[T], kept: impl Iterator<Item = usize>, into: &mut [T]) {
    let (from, into) = (from.as_chunks::<WIDTH>().0, into.as_chunks_mut::<WIDTH>().0);
    into.iter_mut().zip(kept).for_each(|(own, at)| *own = from[at]);
}

/// Adds the rows that are kept, one after another.
pub(super) fn add_rows<T: Copy>(from: &[T], width: usize, kept: impl Iterator<Item = usize>, into: &mut Vec<T>) {
    match width {
        0 => {}
        1 => add::<T, 1>(from, kept, into),
        2 => add::<T, 2>(from, kept, into),
        3 => add::<T, 3>(from, kept, into),
        4 => add::<T, 4>(from, kept, into),
        5 => add::<T, 5>(from, kept, into),
        6 => add::<T, 6>(from, kept, into),
        7 => add::<T, 7>(from, kept, into),
        8 => add::<T, 8>(from, kept, into),
        _ => kept.for_each(|at| into.extend_from_slice(&from[at * width..(at + 1) * width])),
    }
}

fn add<T: Copy, const WIDTH: usize>(from: &[T], kept: impl Iterator<Item = usize>, into: &mut Vec<T>) {
    let from = from.as_chunks::<WIDTH>().0;
    into.extend(kept.flat_map(|at| from[at]));
}
