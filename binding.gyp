# `node-gyp` comes here; the build itself is CMake's (CMakeLists.txt), and `npm run setup` brings what it needs.
{
  'targets': [
    {
      'target_name': 'visage',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake',
          'inputs': [],
          'outputs': ['build/Release/visage.node'],
          'action': ['node', 'scripts/setup.mjs'],
        },
      ],
    },
  ],
}
