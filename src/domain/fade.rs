//! Weights that halve with age: what happened long ago counts less, day by day, the same on every machine.
//!
//! Whole numbers: a power of two for every half-life, and for each day of the rest the root of a half in 32 bits. What is
//! *not* here: what is weighed, and for how long it is kept (`short_pick`, `transit`, `velocity`).

/// The weight of an observation of today.
pub const FULL: u128 = 1 << 16;

/// How fast weights fall.
#[derive(Clone, Copy, Debug)]
pub struct Fade {
    half_life_days: i32,
    /// 2³² times the root of a half that belongs to one day.
    daily: u128,
}

impl Fade {
    /// Half after 14 days.
    pub const DAYS_14: Self = Self { half_life_days: 14, daily: 4_087_499_558 };
    /// Half after 45 days.
    pub const DAYS_45: Self = Self { half_life_days: 45, daily: 4_229_317_660 };
    /// Half after 60 days.
    pub const DAYS_60: Self = Self { half_life_days: 60, daily: 4_245_635_389 };

    /// A weight that is so many days older; a weight from the future stays as it is.
    pub fn aged(self, weight: u128, days: i32) -> u128 {
        let halvings = (days / self.half_life_days).clamp(0, 127);
        (0..days % self.half_life_days).fold(weight >> halvings, |weight, _| (weight * self.daily) >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_halves_in_its_half_life() {
        for (fade, days) in [(Fade::DAYS_14, 14), (Fade::DAYS_45, 45), (Fade::DAYS_60, 60)] {
            let by_day = (0..days).fold(1_u128 << 60, |weight, _| fade.aged(weight, 1));
            assert!(by_day.abs_diff(1 << 59) < 1 << 36, "{days} days one by one: {by_day}");
            assert_eq!(fade.aged(1 << 60, days), 1 << 59, "{days} days at once");
            assert_eq!((fade.aged(FULL, 0), fade.aged(FULL, -3), fade.aged(FULL, i32::MAX)), (FULL, FULL, 0));
        }
    }
}
