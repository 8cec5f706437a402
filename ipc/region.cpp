#include "ipc/region.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/detail/os_file_functions.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace pixmill::ipc {
namespace {

[[noreturn]] void fail(const std::string& call, int error) {
  throw Error(ErrorCode::machine, call + ": " + std::generic_category().message(error));
}

// What Boost's mapped_region asks of a thing that can be mapped.
struct Memfd {
  int fd;
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const {
    return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd);
  }
};

// Never to be executed, where the kernel (since Linux 6.3) can be told so.
UniqueFd make_memfd() {
  constexpr unsigned kNoExecSeal = 8;  // MFD_NOEXEC_SEAL, which Debian 12's headers do not have
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(::memfd_create("pixmill-region", kFlags | kNoExecSeal));
  if (!fd && errno == EINVAL) fd.reset(::memfd_create("pixmill-region", kFlags));
  if (!fd) fail("memfd_create", errno);
  return fd;
}

}  // namespace

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

Region::Region(std::uint64_t size_bytes) : fd_(make_memfd()) {
  const std::uint64_t pages = (size_bytes + page_bytes() - 1) / page_bytes();
  if (pages == 0) throw Error(ErrorCode::usage, "a region needs at least one byte");
  const std::uint64_t rounded = pages * page_bytes();
  while (::ftruncate(fd_.get(), static_cast<off_t>(rounded)) != 0) {
    if (errno == EINTR) continue;
    fail("ftruncate(" + std::to_string(rounded) + ")" +
             (errno == EFBIG ? ", beyond the limit of file sizes (ulimit -f)" : ""),
         errno);
  }
  if (::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    fail("fcntl(F_ADD_SEALS)", errno);
  map(rounded);
}

Region Region::attach(UniqueFd fd, std::uint64_t size_bytes) {
  Region region;
  region.fd_ = std::move(fd);
  region.map(size_bytes);
  region.fd_.reset();
  return region;
}

void Region::map(std::uint64_t size_bytes) {
  namespace ip = boost::interprocess;
  try {
    mapping_ = std::make_unique<ip::mapped_region>(Memfd{fd_.get()}, ip::read_write, 0, size_bytes);
  } catch (const ip::interprocess_exception& failure) {
    const int error = failure.get_native_error();
    fail("mmap(" + std::to_string(size_bytes) + ")" +
             (error == ENOMEM ? ", beyond the limit of addresses (ulimit -v)" : ""),
         error);
  }
}

void Region::keep_from_children() const {
  if (::madvise(mapping_->get_address(), mapping_->get_size(), MADV_DONTFORK) != 0) {
    fail("madvise(MADV_DONTFORK)", errno);
  }
}

Region::~Region() = default;
Region::Region(Region&&) noexcept = default;
Region& Region::operator=(Region&&) noexcept = default;

std::span<std::byte> Region::memory() const {
  return {static_cast<std::byte*>(mapping_->get_address()), mapping_->get_size()};
}

bool Region::commit(std::uint64_t offset, std::uint64_t size_bytes) {
  while (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size_bytes)) != 0) {
    if (errno == ENOSPC || errno == ENOMEM) return false;
    if (errno != EINTR) fail("fallocate(" + std::to_string(offset) + ", " + std::to_string(size_bytes) + ")", errno);
  }
  return true;
}

void Region::punch(std::uint64_t offset, std::uint64_t size_bytes) {
  constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const std::uint64_t first = (offset + page_bytes() - 1) / page_bytes() * page_bytes();
  const std::uint64_t end = (offset + size_bytes) / page_bytes() * page_bytes();
  if (end <= first) return;
  while (::fallocate(fd_.get(), kPunch, static_cast<off_t>(first), static_cast<off_t>(end - first)) != 0) {
    if (errno != EINTR) fail("fallocate(punch " + std::to_string(first) + ")", errno);
  }
}

std::uint64_t Region::committed_bytes() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) fail("fstat(region)", errno);
  return static_cast<std::uint64_t>(status.st_blocks) * 512U;
}

}  // namespace pixmill::ipc
