import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../e2e/service.ts';
import { temporaryFolder } from '../store/temporary-store.ts';

/**
 * Names that ONNX Runtime's provider for CUDA knows, and the values of those that are a choice: `provider_option_names`
 * and the mappings beside them in microsoft/onnxruntime, onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc,
 * as read after `use_tf32` (1.18) had come. A name that it does not know is a failed load of every network.
 */
const CUDA = {
  names: [
    'device_id',
    'has_user_compute_stream',
    'user_compute_stream',
    'gpu_mem_limit',
    'arena_extend_strategy',
    'cudnn_conv_algo_search',
    'do_copy_in_default_stream',
    'gpu_external_alloc',
    'gpu_external_free',
    'gpu_external_empty_cache',
    'cudnn_conv_use_max_workspace',
    'enable_cuda_graph',
    'cudnn_conv1d_pad_to_nc1d',
    'tunable_op_enable',
    'tunable_op_tuning_enable',
    'tunable_op_max_tuning_duration_ms',
    'enable_skip_layer_norm_strict_mode',
    'prefer_nhwc',
    'use_ep_level_unified_stream',
    'use_tf32',
  ],
  values: {
    arena_extend_strategy: ['kNextPowerOfTwo', 'kSameAsRequested'],
    cudnn_conv_algo_search: ['EXHAUSTIVE', 'HEURISTIC', 'DEFAULT'],
  } as Record<string, readonly string[]>,
};

/**
 * The same of TensorRT: onnxruntime/core/providers/tensorrt/tensorrt_execution_provider_info.cc of
 * microsoft/onnxruntime at 3a282a295475775510fbfa5234bda55a2db6f015.
 */
const TENSORRT = {
  names: [
    'device_id',
    'has_user_compute_stream',
    'trt_max_partition_iterations',
    'trt_min_subgraph_size',
    'trt_max_workspace_size',
    'trt_fp16_enable',
    'trt_int8_enable',
    'trt_int8_calibration_table_name',
    'trt_int8_use_native_calibration_table',
    'trt_dla_enable',
    'trt_dla_core',
    'trt_dump_subgraphs',
    'trt_engine_cache_enable',
    'trt_engine_cache_path',
    'trt_engine_cache_prefix',
    'trt_engine_decryption_enable',
    'trt_engine_decryption_lib_path',
    'trt_force_sequential_engine_build',
    'trt_context_memory_sharing_enable',
    'trt_layer_norm_fp32_fallback',
    'trt_timing_cache_enable',
    'trt_timing_cache_path',
    'trt_force_timing_cache',
    'trt_detailed_build_log',
    'trt_build_heuristics_enable',
    'trt_sparsity_enable',
    'trt_builder_optimization_level',
    'trt_auxiliary_streams',
    'trt_tactic_sources',
    'trt_extra_plugin_lib_paths',
    'trt_profile_min_shapes',
    'trt_profile_max_shapes',
    'trt_profile_opt_shapes',
    'trt_cuda_graph_enable',
  ],
};

test('the options of a provider have names and values that ONNX Runtime knows', (t) => {
  const said: { of: string; name: string; value: string }[] = [];
  const program = join(temporaryFolder(t), 'options');
  const sources = ['test/native/programs/provider_options.cc', 'native/runtime/provider_options.cc'];
  const files = sources.map((name) => join(ROOT, name));
  execFileSync(process.env.CXX ?? 'g++', [
    '-std=c++20',
    `-I${join(ROOT, 'native')}`,
    ...files,
    '-o',
    program,
  ]);
  for (const line of execFileSync(program, { encoding: 'utf8' }).trim().split('\n')) {
    const [of = '', name = '', value = ''] = line.split(' ');
    said.push({ of, name, value });
  }
  const values = (of: string) =>
    Object.fromEntries(said.filter((each) => each.of === of).map(({ name, value }) => [name, value]));
  for (const [name, value] of Object.entries(values('cuda'))) {
    assert.ok(CUDA.names.includes(name), name);
    assert.ok(CUDA.values[name]?.includes(value) ?? /^\d+$/.test(value), `${name} ${value}`);
  }
  for (const name of Object.keys(values('tensorrt'))) assert.ok(TENSORRT.names.includes(name), name);
  assert.equal(values('cuda').gpu_mem_limit, `${2 ** 30}`);
  assert.equal(values('tensorrt').trt_engine_cache_path, 'engines/0123');
  assert.deepEqual(
    ['min', 'opt', 'max'].map((which) => values('tensorrt')[`trt_profile_${which}_shapes`]),
    ['input:1x3x112x112', 'input:8x3x112x112', 'input:8x3x112x112'],
  );
  assert.equal('trt_profile_min_shapes' in values('unfixed'), false);
});
