// SPDX-License-Identifier: MIT
// A function of Rust that calls itself, and at last what it is given.
#[no_mangle]
#[inline(never)]
pub extern "C" fn rust_depth(look: extern "C" fn(*mut u8), data: *mut u8, depth: i32) -> i32 {
    let numbers: Vec<i32> = std::hint::black_box((0..depth).collect());
    if depth == 0 {
        look(data);
        return 1;
    }
    let deeper = |depth: i32| rust_depth(look, data, depth - 1) + numbers.len() as i32;
    std::hint::black_box(deeper)(depth) + 1
}
