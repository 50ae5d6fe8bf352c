#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| muster_properties::check("scim_filter", data));
