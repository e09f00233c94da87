// Gradients: flags of a tensor, backward, grad, and the modes of the calling thread.
#include "shim.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <vector>

using namespace rrec;

static std::vector<at::Tensor> tensors_of(const Handle* handles, int32_t count) {
    std::vector<at::Tensor> result;
    result.reserve(count);
    for (int32_t i = 0; i < count; i++) result.push_back(borrow(handles[i]));
    return result;
}

RREC_API int32_t rrec_requires_grad(Handle handle) { return handle->requires_grad() || borrow(handle).requires_grad(); }
RREC_API int32_t rrec_is_leaf(Handle handle) { return borrow(handle).is_leaf(); }

RREC_API const char* rrec_set_requires_grad(Handle handle, int32_t value) {
    return guarded([&] { borrow(handle).set_requires_grad(value != 0); });
}

RREC_API const char* rrec_grad(Handle handle, Handle* grad) {
    return guarded([&] { *grad = release(borrow(handle).grad()); });
}
RREC_API const char* rrec_set_grad(Handle handle, Handle grad) {
    return guarded([&] { borrow(handle).mutable_grad() = borrow(grad); });
}

// gradients may be empty; retain_graph -1 means: as create_graph.
RREC_API const char* rrec_backward(const Handle* tensors, int32_t count, const Handle* gradients, int32_t gradient_count,
                                   int32_t retain_graph, int32_t create_graph, const Handle* inputs, int32_t input_count) {
    return guarded([&] {
        Optional<bool> retain;
        if (retain_graph >= 0) retain = retain_graph != 0;
        torch::autograd::backward(tensors_of(tensors, count), tensors_of(gradients, gradient_count), retain, create_graph != 0,
                                  tensors_of(inputs, input_count));
    });
}

// results has room for one handle an input.
RREC_API const char* rrec_autograd_grad(const Handle* outputs, int32_t count, const Handle* inputs, int32_t input_count, const Handle* gradients,
                                        int32_t gradient_count, int32_t retain_graph, int32_t create_graph, int32_t allow_unused, Handle* results) {
    return guarded([&] {
        auto found = torch::autograd::grad(tensors_of(outputs, count), tensors_of(inputs, input_count), tensors_of(gradients, gradient_count),
                                           retain_graph != 0, create_graph != 0, allow_unused != 0);
        for (size_t i = 0; i < found.size(); i++) results[i] = release(std::move(found[i]));
    });
}

RREC_API int32_t rrec_grad_mode() { return c10::GradMode::is_enabled(); }
RREC_API void rrec_set_grad_mode(int32_t enabled) { c10::GradMode::set_enabled(enabled != 0); }

// A guard restores on deletion what was before; it belongs to the thread that made it.
RREC_API int32_t rrec_inference_mode() { return c10::InferenceMode::is_enabled(); }
RREC_API void* rrec_inference_mode_enter(int32_t enabled) { return new c10::InferenceMode(enabled != 0); }
RREC_API void rrec_inference_mode_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }
