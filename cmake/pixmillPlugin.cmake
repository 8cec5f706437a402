# pixmill_add_plugin(NAME SOURCE...)   a plug-in, NAME.so, for pixmill --plugin and pixmill::load_plugin()
#
# It has pixmill's headers and OpenCV's core, and links nothing of pixmill: who loads it is pixmill.
function(pixmill_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_include_directories(${name} SYSTEM PRIVATE "$<TARGET_PROPERTY:pixmill::pixmill,INTERFACE_INCLUDE_DIRECTORIES>")
  target_link_options(${name} PRIVATE LINKER:--no-undefined)
  target_link_libraries(${name} PRIVATE OpenCV::core)
endfunction()
