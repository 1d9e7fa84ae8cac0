mod binding;
pub mod driver;
pub mod protocol;
