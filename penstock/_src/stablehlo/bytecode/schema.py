"""Attributes of each operation of VHLO: bytecode holds their values in alphabetical order, without names."""

_WINDOW = "padding window_dimensions window_strides"
_CONVOLUTION = """batch_group_count feature_group_count input_batch_dimension input_feature_dimension
    input_spatial_dimensions kernel_input_feature_dimension kernel_output_feature_dimension
    kernel_spatial_dimensions lhs_dilation output_batch_dimension output_feature_dimension
    output_spatial_dimensions precision_config rhs_dilation window_reversal window_strides"""
_DOT = """lhs_batching_dimensions lhs_contracting_dimensions precision_config rhs_batching_dimensions
    rhs_contracting_dimensions"""
_DOT_ALGORITHM = """accumulation_type allow_imprecise_accumulation lhs_component_count lhs_precision_type
    num_primitive_operations rhs_component_count rhs_precision_type"""
_GATHER = "collapsed_slice_dims index_vector_dim indices_are_sorted offset_dims start_index_map"
_GATHER_BATCH = "operand_batching_dims start_indices_batching_dims"
_SCATTER = """index_vector_dim indices_are_sorted inserted_window_dims scatter_dims_to_operand_dims
    unique_indices update_window_dims"""
_SCATTER_BATCH = "input_batching_dims scatter_indices_batching_dims"
_CUSTOM_CALL = """api_version backend_config call_target_name called_computations has_side_effect
    operand_layouts output_operand_aliases result_layouts"""

# Operation -> its attributes. What is not here has none.
_ATTRIBUTES = {
    "all_gather": "all_gather_dim channel_id replica_groups use_global_device_ids",
    "all_reduce": "channel_id replica_groups use_global_device_ids",
    "all_to_all": "channel_id concat_dimension replica_groups split_count split_dimension",
    "batch_norm_grad": "epsilon feature_index",
    "batch_norm_inference": "epsilon feature_index",
    "batch_norm_training": "epsilon feature_index",
    "broadcast": "broadcast_sizes",
    "broadcast_in_dim": "broadcast_dimensions",
    "call": "callee",
    "cholesky": "lower",
    "collective_broadcast": "channel_id replica_groups",
    "collective_permute": "channel_id source_target_pairs",
    "compare": "compare_type comparison_direction",
    "composite": "composite_attributes decomposition name version",
    "concatenate": "dimension",
    "constant": "value",
    "convolution": f"{_CONVOLUTION} padding",
    "custom_call": _CUSTOM_CALL,
    "dot": "precision_config",
    "dot_general": _DOT,
    "dynamic_broadcast_in_dim": (
        "broadcast_dimensions known_expanding_dimensions known_nonexpanding_dimensions"
    ),
    "dynamic_conv": _CONVOLUTION,
    "dynamic_gather": f"{_GATHER}",
    "dynamic_iota": "iota_dimension",
    "dynamic_slice": "slice_sizes",
    "einsum": "einsum_config",
    "fft": "fft_length fft_type",
    "func": "arg_attrs function_type res_attrs sym_name sym_visibility",
    "gather": f"{_GATHER} slice_sizes",
    "get_dimension_size": "dimension",
    "get_tuple_element": "index",
    "infeed": "infeed_config layout",
    "iota": "iota_dimension",
    "map": "dimensions",
    "outfeed": "outfeed_config",
    "pad": "edge_padding_high edge_padding_low interior_padding",
    "recv": "channel_id channel_type is_host_transfer",
    "reduce": "dimensions",
    "reduce_precision": "exponent_bits mantissa_bits",
    "reduce_scatter": "channel_id replica_groups scatter_dimension use_global_device_ids",
    "reduce_window": f"{_WINDOW} base_dilations window_dilations",
    "reverse": "dimensions",
    "rng": "rng_distribution",
    "rng_bit_generator": "rng_algorithm",
    "scatter": _SCATTER,
    "select_and_scatter": _WINDOW,
    "send": "channel_id channel_type is_host_transfer",
    "set_dimension_size": "dimension",
    "slice": "limit_indices start_indices strides",
    "sort": "dimension is_stable",
    "torch_index_select": "batch_dims dim",
    "transpose": "permutation",
    "triangular_solve": "left_side lower transpose_a unit_diagonal",
    "unary_einsum": "einsum_config",
}
# (operation, version from which on) -> attributes that were added.
_ADDED = {
    ("dot_general", 2): _DOT_ALGORITHM,
    ("dynamic_gather", 2): _GATHER_BATCH,
    ("gather", 2): _GATHER_BATCH,
    ("recv", 2): "source_target_pairs",
    ("scatter", 2): _SCATTER_BATCH,
    ("send", 2): "source_target_pairs",
    **{
        (name, 2): "result_accuracy"
        for name in "cbrt cosine exponential exponential_minus_one log log_plus_one logistic rsqrt"
        " sine sqrt tan tanh".split()
    },
}


def attribute_names(name: str, version: int) -> list[str]:
    """The names of an operation's attributes, in the order in which bytecode holds their values."""
    names = _ATTRIBUTES.get(name, "").split()
    for (other, first), added in _ADDED.items():
        if other == name and version >= first:
            names += added.split()
    return sorted(names)
