// What the shim's files share: the tagged value that crosses the border, and how errors cross it.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <exception>
#include <optional>
#include <torch/version.h>

#define RREC_API extern "C" __attribute__((visibility("default")))

namespace rrec {

// libtorch's own optional became the standard one, and then went.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
template <typename T> using Optional = std::optional<T>;
#else
template <typename T> using Optional = c10::optional<T>;
#endif

// A tensor crosses the border as its TensorImpl*, which carries one reference; null is the undefined tensor.
using Handle = c10::TensorImpl*;

enum Tag : int32_t { None, TensorTag, Int, Double, Bool, IntList, DoubleList, TensorList, OptionalTensorList, String, DeviceTag, GeneratorTag };

// Mirrors NativeValue in Op.cs. Lists are pointer and count; a device is type << 32 | index.
struct Value {
    int32_t tag;
    int32_t count;
    union { int64_t i; double d; const void* p; };
};

// A tensor that takes a reference of its own; the caller keeps his.
at::Tensor borrow(Handle handle);

// Hands the reference of a tensor to the caller.
Handle release(at::Tensor tensor);

c10::Device device_of(int64_t packed);

// Keeps the message for the calling thread and returns it: what every function returns instead of null when it failed.
const char* failed(const std::exception& error);
const char* failed(const char* message);

// Runs body; null when it went well, else the message.
template <typename Body> const char* guarded(Body&& body) {
    try {
        body();
        return nullptr;
    } catch (const std::exception& error) {
        return failed(error);
    } catch (...) {
        return failed("unknown native exception");
    }
}

}  // namespace rrec
