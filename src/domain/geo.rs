//! Positions in micro-degrees and great-circle distances in metres, the same on every machine (`libm`).

use serde::{Deserialize, Serialize};

/// Mean earth radius, metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A point on the globe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Position {
    /// Latitude, millionths of a degree, -90,000,000 to 90,000,000.
    pub lat_micro: i32,
    /// Longitude, millionths of a degree, -180,000,000 to 180,000,000.
    pub lon_micro: i32,
}

impl Position {
    /// From degrees; `None` outside the globe or not a number.
    pub fn from_degrees(latitude: f64, longitude: f64) -> Option<Self> {
        let inside =
            latitude.is_finite() && longitude.is_finite() && latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        inside.then(|| Self {
            lat_micro: libm::round(latitude * 1e6) as i32,
            lon_micro: libm::round(longitude * 1e6) as i32,
        })
    }

    /// Latitude in degrees.
    pub fn latitude(self) -> f64 {
        f64::from(self.lat_micro) / 1e6
    }

    /// Longitude in degrees.
    pub fn longitude(self) -> f64 {
        f64::from(self.lon_micro) / 1e6
    }

    /// Great-circle distance in metres (haversine on a sphere).
    pub fn metres_to(self, other: Self) -> u64 {
        let radians = |micro: i32| f64::from(micro) / 1e6 * std::f64::consts::PI / 180.0;
        let (lat_a, lat_b) = (radians(self.lat_micro), radians(other.lat_micro));
        let half_lat = libm::sin((lat_b - lat_a) / 2.0);
        let half_lon = libm::sin((radians(other.lon_micro) - radians(self.lon_micro)) / 2.0);
        let a = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
        let metres = 2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(a.clamp(0.0, 1.0)));
        libm::round(metres) as u64
    }
}

/// Half the chord's square beyond which [`Place::metres_to`] leaves the short way: 120 degrees.
const CHORD_MAX: f64 = 0.75;
/// Metres by which the two ways may differ and much more: both are off by some 10⁻⁸ metres at most.
const DOUBT_M: f64 = 1e-5;

/// A position and where it is on the unit sphere, for distances by the thousand.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Place {
    position: Position,
    unit: [f64; 3],
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        let radians = |micro: i32| f64::from(micro) / 1e6 * std::f64::consts::PI / 180.0;
        let (lat, lon) = (radians(position.lat_micro), radians(position.lon_micro));
        let ring = libm::cos(lat);
        Self { position, unit: [ring * libm::cos(lon), ring * libm::sin(lon), libm::sin(lat)] }
    }
}

impl Place {
    /// Exactly [`Position::metres_to`], in a quarter of the time: along the chord, which needs one function of an angle
    /// and not five. Where rounding to metres could tell the two ways apart, the long one decides.
    pub fn metres_to(&self, other: &Self) -> u64 {
        let square = |axis: usize| (self.unit[axis] - other.unit[axis]) * (self.unit[axis] - other.unit[axis]);
        let a = (square(0) + square(1) + square(2)) / 4.0;
        let metres = 2.0 * EARTH_RADIUS_M * libm::asin(a.min(CHORD_MAX).sqrt());
        let whole = metres as u64;
        let from_half = (metres - whole as f64 - 0.5).abs();
        if a > CHORD_MAX || from_half < DOUBT_M {
            return self.position.metres_to(other.position);
        }
        whole + u64::from(metres - whole as f64 > 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_and_the_long_way_agree_to_the_metre() {
        let mut n = 0_u64;
        let mut pick = |most: u64| {
            n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (n ^ n >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            (z ^ z >> 31) % (2 * most + 1)
        };
        let mut at = |lat: u64, lon: u64| Position {
            lat_micro: (pick(lat) as i64 - lat as i64) as i32,
            lon_micro: (pick(lon) as i64 - lon as i64) as i32,
        };
        for reach in [90_000_000, 10_000_000, 100_000, 1_000, 10] {
            for _ in 0..40_000 {
                let (a, b) = (at(reach, 2 * reach), at(reach, 2 * reach));
                assert_eq!(Place::from(a).metres_to(&b.into()), a.metres_to(b), "{a:?} {b:?}");
                let opposite = Position { lat_micro: -b.lat_micro, lon_micro: b.lon_micro + 180_000_000 };
                assert_eq!(Place::from(a).metres_to(&opposite.into()), a.metres_to(opposite), "{a:?} {opposite:?}");
            }
        }
    }

    #[test]
    fn new_york_to_los_angeles_is_3936_km() {
        let new_york = Position::from_degrees(40.7128, -74.0060).expect("on the globe");
        let los_angeles = Position::from_degrees(34.0522, -118.2437).expect("on the globe");
        assert_eq!(new_york.metres_to(los_angeles) / 1000, 3935);
        assert_eq!(new_york.metres_to(new_york), 0);
        assert_eq!(Position::from_degrees(91.0, 0.0), None);
        assert_eq!(Position::from_degrees(f64::NAN, 0.0), None);
    }
}
