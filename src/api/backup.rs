//! What is asked of a backup. The backup itself is no JSON: `journal::backup` describes it.

use super::reading::shape;

shape! {
    /// What a backup holds.
    #[derive(Copy, Default, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct BackupParams {
        /// Whether records that the state does not need are in it; they are when left out.
        #[param(inline)]
        pub history: Option<bool>,
    }
}
