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

#[cfg(test)]
mod tests {
    use super::*;

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
