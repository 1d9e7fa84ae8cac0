//! The driver on loopback: real sockets, real TLS, the real I/O thread. Rules are the simulator's to test; here it is
//! bytes, their order, and what is left behind.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod back_pressure;
#[cfg(test)]
mod closing;
#[cfg(test)]
mod compression;
#[cfg(test)]
mod dialing;
#[cfg(test)]
mod endpoints;
mod messages;
#[cfg(test)]
mod names;
#[cfg(all(test, target_os = "linux"))]
mod process;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod token;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod violations;
#[cfg(test)]
mod writing;
