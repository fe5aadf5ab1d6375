# bash completion of visagectl, made from its table of commands.
_visagectl() {
  local position=$COMP_CWORD word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  local first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}
  if ((position == 1)); then
    mapfile -t COMPREPLY < <(compgen -W 'status doctor config collections import keys members tokens reload models backup restore verify compact audit version --help' -- "$word"); return
  fi
  if ((position == 2)); then
    case $first in
    config) mapfile -t COMPREPLY < <(compgen -W 'check' -- "$word"); return ;;
    collections) mapfile -t COMPREPLY < <(compgen -W 'list show create reset delete examine' -- "$word"); return ;;
    keys) mapfile -t COMPREPLY < <(compgen -W 'create list revoke' -- "$word"); return ;;
    members) mapfile -t COMPREPLY < <(compgen -W 'create list role remove reset-password' -- "$word"); return ;;
    tokens) mapfile -t COMPREPLY < <(compgen -W 'rotate' -- "$word"); return ;;
    models) mapfile -t COMPREPLY < <(compgen -W 'check list migrate calibrate basis cohort' -- "$word"); return ;;
    audit) mapfile -t COMPREPLY < <(compgen -W 'export verify' -- "$word"); return ;;
    esac
  fi
  case "$first $second" in
    'config check')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'collections list')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'collections show')
      case $before in
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--environment --json --data-dir --config --help' -- "$word"); return ;;
    'collections create')
      case $before in
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--description --environment --json --data-dir --config --help' -- "$word"); return ;;
    'collections reset')
      case $before in
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--yes --environment --json --data-dir --config --help' -- "$word"); return ;;
    'collections delete')
      case $before in
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--yes --environment --json --data-dir --config --help' -- "$word"); return ;;
    'collections examine')
      case $before in
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--apply --undo --dismiss --restore --dismissed --environment --json --data-dir --config --help' -- "$word"); return ;;
    'keys create')
      case $before in
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--name --collection --environment --scope --ip --rate-limit --expires-in-days --budget-usd --create --json --data-dir --config --help' -- "$word"); return ;;
    'keys list')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'keys revoke')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--data-dir --config --help' -- "$word"); return ;;
    'members create')
      case $before in
        --role) mapfile -t COMPREPLY < <(compgen -W 'member admin owner' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--email --name --role --password-stdin --create --json --data-dir --config --help' -- "$word"); return ;;
    'members list')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'members role')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -W 'member admin owner' -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'members remove')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--data-dir --config --help' -- "$word"); return ;;
    'members reset-password')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--password-stdin --json --data-dir --config --help' -- "$word"); return ;;
    'tokens rotate')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'models check')
      case $before in
        --pictures) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--pictures --json --help' -- "$word"); return ;;
    'models list')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'models migrate')
      case $before in
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--all --to --sightings --status --pause --rollback --finish --delete-left --undo --account --environment --json --data-dir --config --help' -- "$word"); return ;;
    'models calibrate')
      case $before in
        --groups) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--pack --groups --write --help' -- "$word"); return ;;
    'models basis')
      case $before in
        --faces) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--faces --write --json --help' -- "$word"); return ;;
    'models cohort')
      case $before in
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--pack --write --json --help' -- "$word"); return ;;
    'audit export')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--data-dir --config --help' -- "$word"); return ;;
    'audit verify')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--expect --json --data-dir --config --help' -- "$word"); return ;;
  esac
  case $first in
    'status')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'doctor')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'import')
      case $before in
        --map) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --journal) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --environment) mapfile -t COMPREPLY < <(compgen -W 'live test' -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--collection --map --files --dry-run --journal --environment --json --data-dir --config --help' -- "$word"); return ;;
    'reload')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'backup')
      case $before in
        --to) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--to --keep --json --data-dir --config --help' -- "$word"); return ;;
    'restore')
      case $before in
        --key) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--replace --key --unauthenticated --accept-faults --json --data-dir --config --help' -- "$word"); return ;;
    'verify')
      case $before in
        --key) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      [[ $word != -* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$word"); return; }
      mapfile -t COMPREPLY < <(compgen -W '--key --unauthenticated --json --data-dir --config --help' -- "$word"); return ;;
    'compact')
      case $before in
        --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --data-dir --config --help' -- "$word"); return ;;
    'version')
      case $before in
      esac
      mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$word"); return ;;
  esac
}
complete -o filenames -F _visagectl visagectl
