//! Adds to the cell of the current CPU by a plain instruction.
//!
//! A plain addition is safe if nobody else adds to the same cell meanwhile. That is so if the thread is neither moved to
//! another CPU nor interrupted between reading the number of its CPU and adding: then all additions to a cell follow one
//! another on one CPU, whatever thread or process they are of. Linux guarantees this for a
//! [restartable sequence](https://www.gnu.org/software/libc/manual/html_node/Restartable-Sequences.html): a thread that is
//! preempted, moved or sent a signal within one continues at another address, here of code that adds to a shared cell by
//! an atomic instruction. So no increment is lost or made twice, and none is retried, not even under a debugger that
//! stops at every instruction.
//!
//! glibc registers, for every thread, the area in which the kernel keeps the number of the CPU.

use core::arch::asm;
use core::ffi::{CStr, c_char, c_uint, c_void};
use core::ptr;
use core::sync::atomic::{AtomicIsize, AtomicU8, Ordering};

/// Number of cells: one for each CPU below this number.
pub(super) const CELLS: usize = 112;

/// Distance from the thread pointer to the area, or 0 if there is none.
static AREA: AtomicIsize = AtomicIsize::new(0);

/// Adds to the cell of this CPU, or to a shared one. Fails if the C library does not keep the number of the CPU.
#[inline]
pub(super) fn add(cells: &super::Cells, n: u64) -> Result<(), ()> {
    let area = AREA.load(Ordering::Relaxed);
    if area == 0 {
        return Err(());
    }
    // SAFETY: glibc keeps a `struct rseq` at this distance from every thread's pointer, for as long as the thread
    // lives: the number of the CPU is at 4, the pointer to the sequence at 8. The sequence is one as the kernel
    // wants it: its last instruction alone has an effect, which is an addition to one of `cells`, an aligned word
    // that others access atomically; the signature that glibc registers stands before the place where it is
    // aborted to; the pointer to it is taken back, so that it never outlives a library that is unloaded. A number
    // beyond the cells, or that of a thread without a registration (-1, -2), finds a shared cell.
    unsafe {
        asm!(
            // What the kernel is told: version, flags, start, length, and where to go when aborted.
            ".pushsection __rseq_cs, \"aw?\", @progbits",
            ".balign 32",
            "2:",
            ".long 0, 0",
            ".quad 3f, 4f - 3f, 5f",
            ".popsection",
            "lea {sequence}, [rip + 2b]",
            "mov qword ptr fs:[{area} + 8], {sequence}",
            "3:",
            "mov {cpu:e}, dword ptr fs:[{area} + 4]",
            "cmp {cpu:e}, {own}",
            "jae 6f",
            "shl {cpu}, {shift}",
            "add qword ptr [{cells} + {cpu} + {shared_len}], {n}",
            "4:",
            "7:",
            "mov qword ptr fs:[{area} + 8], 0",
            ".pushsection .text.unlikely, \"ax?\", @progbits",
            // An instruction that traps, with the signature in it.
            ".byte 0x0f, 0xb9, 0x3d",
            ".long 0x53053053",
            "5:",
            "mov {cpu:e}, dword ptr fs:[{area} + 4]",
            "6:",
            "and {cpu:e}, {shared} - 1",
            "shl {cpu}, {shift}",
            "lock add qword ptr [{cells} + {cpu}], {n}",
            "jmp 7b",
            ".popsection",
            area = in(reg) area,
            cells = in(reg) cells,
            n = in(reg) n,
            sequence = out(reg) _,
            cpu = out(reg) _,
            own = const CELLS,
            shared = const super::SHARED,
            shared_len = const super::SHARED * size_of::<super::Cell>(),
            shift = const size_of::<super::Cell>().ilog2(),
            options(nostack),
        );
    }
    Ok(())
}

/// Adds to two neighbouring words in the block of this CPU, or of a shared block, by one instruction that stores both.
///
/// Fails, and adds nothing, where this C library keeps no number of the CPU. The first addition on a CPU goes to a shared
/// block and marks the CPU's own block as used; a block is marked before anything is added to it.
///
/// # Safety
///
/// At `offset` in every block there are two atomic words, aligned to 16 bytes.
#[inline]
pub(super) unsafe fn add_pair<B>(
    blocks: &[B; super::CELLS],
    used: &[AtomicU8; super::CELLS],
    offset: usize,
    [first, second]: [u64; 2],
) -> Result<(), ()> {
    let area = AREA.load(Ordering::Relaxed);
    if area == 0 {
        return Err(());
    }
    // SAFETY: as in `add`: the last instruction of the sequence alone adds anything, to words that others access
    // atomically. It stores 16 bytes, of which the processor never splits a word. Before that the sequence only reads,
    // and a mark in `used` is stored outside of it, where it is harmless if the thread has been moved meanwhile. A
    // number beyond the blocks, or that of a thread without a registration, finds a shared block. The instructions for
    // vectors are part of every x86-64.
    unsafe {
        asm!(
            ".pushsection __rseq_cs, \"aw?\", @progbits",
            ".balign 32",
            "2:",
            ".long 0, 0",
            ".quad 3f, 4f - 3f, 5f",
            ".popsection",
            "movq {pair}, {first}",
            "movq {high}, {second}",
            "punpcklqdq {pair}, {high}",
            "lea {sequence}, [rip + 2b]",
            "mov qword ptr fs:[{area} + 8], {sequence}",
            "3:",
            "mov {cpu:e}, dword ptr fs:[{area} + 4]",
            "cmp {cpu:e}, {own}",
            "jae 6f",
            "cmp byte ptr [{used} + {cpu} + {shared}], 0",
            "je 6f",
            "imul {cpu}, {cpu}, {stride}",
            "paddq {pair}, xmmword ptr [{words} + {cpu} + {shared_len}]",
            "movdqa xmmword ptr [{words} + {cpu} + {shared_len}], {pair}",
            "4:",
            "7:",
            "mov qword ptr fs:[{area} + 8], 0",
            ".pushsection .text.unlikely, \"ax?\", @progbits",
            ".byte 0x0f, 0xb9, 0x3d",
            ".long 0x53053053",
            "5:",
            "mov {cpu:e}, dword ptr fs:[{area} + 4]",
            "6:",
            "cmp {cpu:e}, {own}",
            "jae 8f",
            "mov byte ptr [{used} + {cpu} + {shared}], 1",
            "8:",
            "and {cpu:e}, {shared} - 1",
            "mov byte ptr [{used} + {cpu}], 1",
            "imul {cpu}, {cpu}, {stride}",
            "lock add qword ptr [{words} + {cpu}], {first}",
            "lock add qword ptr [{words} + {cpu} + 8], {second}",
            "jmp 7b",
            ".popsection",
            area = in(reg) area,
            words = in(reg) ptr::from_ref(blocks).byte_add(offset),
            used = in(reg) used,
            first = in(reg) first,
            second = in(reg) second,
            sequence = out(reg) _,
            cpu = out(reg) _,
            pair = out(xmm_reg) _,
            high = out(xmm_reg) _,
            own = const CELLS,
            shared = const super::SHARED,
            stride = const size_of::<B>(),
            shared_len = const super::SHARED * size_of::<B>(),
            options(nostack),
        );
    }
    Ok(())
}

const _: () =
    assert!(super::SHARED.is_power_of_two() && size_of::<super::Cell>().is_power_of_two());

/// Runs when this code is loaded, since looking up a symbol takes a lock, which counting must not. The symbols are found
/// by name and not linked, since the program would need glibc 2.35 to start otherwise.
#[used]
#[unsafe(link_section = ".init_array")]
static FIND_AREA: extern "C" fn() = {
    extern "C" fn find_area() {
        const OFFSET: &CStr = c"__rseq_offset";
        const SIZE: &CStr = c"__rseq_size";

        unsafe extern "C" {
            fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
        }

        // SAFETY: null is glibc's `RTLD_DEFAULT`, and the names end in a zero.
        let (offset, size): (*const isize, *const c_uint) = unsafe {
            (
                dlsym(ptr::null_mut(), OFFSET.as_ptr()).cast(),
                dlsym(ptr::null_mut(), SIZE.as_ptr()).cast(),
            )
        };
        if offset.is_null() || size.is_null() {
            return;
        }
        // SAFETY: glibc documents `extern const ptrdiff_t __rseq_offset` and `extern const unsigned int __rseq_size`.
        let (offset, size) = unsafe { (offset.read(), size.read()) };
        // The size is 0 if the registration is disabled or the kernel has refused it. The number of the CPU is then the
        // same for all threads, which would all count in one cell.
        if size != 0 {
            AREA.store(offset, Ordering::Relaxed);
        }
    }
    find_area
};
