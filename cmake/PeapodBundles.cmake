# With PEAPOD_BUNDLES the files of a library that begin with the same letter are
# compiled as one, those with rare letters together: most of a file's time goes
# into headers and templates that its neighbours need too. By letter, not by
# number, so that a new file changes one bundle only. What two files of a bundle
# hide from others must not have the same name; the compiler says so, unless they
# are functions of different parameters. A call must not be able to mean either.
#
# A bundle takes a compiler up to 2 GB: no more of them at a time than there is
# memory for (Ninja's pools; other generators do as they are told).
if(PEAPOD_BUNDLES)
  cmake_host_system_information(RESULT memory QUERY TOTAL_PHYSICAL_MEMORY)
  math(EXPR compilers "${memory} / 2000")
  if(compilers LESS 1)
    set(compilers 1)
  endif()
  set_property(GLOBAL APPEND PROPERTY JOB_POOLS compilers=${compilers})
  set(CMAKE_JOB_POOL_COMPILE compilers)
endif()

function(peapod_bundle target)
  if(NOT PEAPOD_BUNDLES)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME)
    string(SUBSTRING "${name}" 0 1 bundle)
    foreach(rare IN ITEMS ab efg ijklmno qr uvwxyz)
      if(rare MATCHES "${bundle}")
        set(bundle "${rare}")
      endif()
    endforeach()
    set_property(SOURCE "${source}" PROPERTY UNITY_GROUP "${bundle}")
  endforeach()
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # A bundle includes its files by their whole paths, which `__FILE__` would put
  # into what is compiled: ccache would find nothing of another clone's.
  target_compile_options(${target} PRIVATE
    "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
endfunction()

# The same for the suites of a test program.
function(peapod_bundle_suites target)
  peapod_bundle(${target})
  set_property(SOURCE main.cpp PROPERTY SKIP_UNITY_BUILD_INCLUSION ON)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD_UNIQUE_ID PEAPOD_SUITE_FILE
    UNITY_BUILD_CODE_BEFORE_INCLUDE "#include \"tests/suite_bundle.hpp\""
    UNITY_BUILD_CODE_AFTER_INCLUDE "#undef CAF_SUITE")
endfunction()
