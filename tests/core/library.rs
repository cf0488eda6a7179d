//! A library that uses sharded counters can be unloaded, because the kernel keeps no pointer into the library.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
#![allow(unsafe_code)] // loads a library and reads the area that glibc registers with the kernel

use std::ffi::{CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::mpsc;
use std::thread;

use papyra_metrics::ShardedCounter;

use crate::assembly::COMPILED;

/// Returns this thread's pointer to its restartable sequence, which the kernel reads when it interrupts the thread.
fn sequence_pointer() -> *const u8 {
    // SAFETY: glibc declares the symbol as `extern const ptrdiff_t`. On x86-64, the word at the thread pointer is the
    // thread pointer itself. The pointer to the sequence is at offset 8 of the area that glibc registers.
    unsafe {
        let offset = libc::dlsym(ptr::null_mut(), c"__rseq_offset".as_ptr()).cast::<isize>();
        assert!(!offset.is_null(), "this test needs glibc 2.35");
        let thread: *const *const u8;
        std::arch::asm!("mov {}, qword ptr fs:[0]", out(reg) thread);
        thread.byte_offset(offset.read() + 8).read_volatile()
    }
}

#[test]
fn a_library_that_has_counted_clears_its_pointer_and_can_be_unloaded() {
    let path = CString::new(COMPILED.join("library.so").as_os_str().as_bytes()).unwrap();
    // SAFETY: loading the library runs only the constructor of the sharded instruments.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{path:?}");
    // SAFETY: the symbol is a function of this type.
    let count = unsafe {
        let count = libc::dlsym(library, c"count_in_library".as_ptr());
        assert!(!count.is_null());
        std::mem::transmute::<*mut c_void, extern "C" fn() -> u64>(count)
    };
    let here = ShardedCounter::new();
    let (unload, unloaded) = mpsc::channel();
    thread::scope(|scope| {
        let (counted, wait) = mpsc::channel();
        let here = &here;
        scope.spawn(move || {
            here.inc();
            for times in 1..=1_000 {
                assert_eq!(count(), times * 101);
                assert_eq!(sequence_pointer(), ptr::null());
            }
            counted.send(()).unwrap();
            // The library is unloaded while the thread waits. If the sequence pointer of the thread still pointed into
            // the library, the kernel would kill the process.
            unloaded.recv().unwrap();
            here.inc();
        });
        wait.recv().unwrap();
        // SAFETY: no code or data of the library is used after this.
        assert_eq!(unsafe { libc::dlclose(library) }, 0);
        // SAFETY: `RTLD_NOLOAD` only checks whether the library is loaded.
        let again = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
        assert!(again.is_null(), "the library is still loaded");
        unload.send(()).unwrap();
    });
    assert_eq!(here.total(), 2);
}
