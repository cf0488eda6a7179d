//! Information from glibc: the area for restartable sequences, and whether an address is in the program itself.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::ptr;

/// Returns the distance in bytes from the thread pointer of every thread to the thread's `struct rseq`, or `None` if glibc has
/// not registered these structs with the kernel.
pub(super) fn rseq_area() -> Option<isize> {
    const OFFSET: &CStr = c"__rseq_offset";
    const SIZE: &CStr = c"__rseq_size";

    unsafe extern "C" {
        fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
    }

    // SAFETY: null is glibc's `RTLD_DEFAULT`, and each name ends in a zero byte.
    let (offset, size): (*const isize, *const c_uint) = unsafe {
        (
            dlsym(ptr::null_mut(), OFFSET.as_ptr()).cast(),
            dlsym(ptr::null_mut(), SIZE.as_ptr()).cast(),
        )
    };
    if offset.is_null() || size.is_null() {
        return None;
    }
    // SAFETY: the symbols have these types: glibc documents `extern const ptrdiff_t __rseq_offset` and `extern const unsigned
    // int __rseq_size`.
    let (offset, size) = unsafe { (offset.read(), size.read()) };
    // The size is 0 if the registration is disabled or the kernel has refused it. The CPU number is then the same for
    // all threads, which would all use one cell.
    (size != 0).then_some(offset)
}

/// Returns whether an address is in the program itself, which is never unloaded.
pub(super) fn is_in_program(address: *const c_void) -> bool {
    /// glibc's `Dl_info`.
    #[repr(C)]
    struct Symbol([*const c_void; 4]);

    /// The beginning of glibc's `struct link_map`.
    #[repr(C)]
    struct Object {
        _address: usize,
        name: *const c_char,
    }

    const RTLD_DL_LINKMAP: c_int = 2;

    unsafe extern "C" {
        fn dladdr1(
            address: *const c_void,
            symbol: *mut Symbol,
            object: *mut *const Object,
            flags: c_int,
        ) -> c_int;
    }

    let mut symbol = Symbol([ptr::null(); 4]);
    let mut object = ptr::null();
    // SAFETY: `symbol` and `object` are writable. If `dladdr1` finds the object that contains the address, it stores a pointer
    // to the object in `object`. The object's name is a C string: empty for the program, a path for a library.
    unsafe {
        let found = dladdr1(address, &raw mut symbol, &raw mut object, RTLD_DL_LINKMAP);
        found != 0 && object.as_ref().is_some_and(|object| *object.name == 0)
    }
}
