#compdef visagectl
# zsh completion of visagectl, made from its table of commands.
_visagectl() {
  local position=$((CURRENT - 1)) word=${words[CURRENT]} before=${words[CURRENT-1]}
  local first=${words[2]} second=${words[3]}
  if ((position == 1)); then
    compadd -- status doctor config collections import keys members tokens reload models backup restore verify compact audit version --help; return
  fi
  if ((position == 2)); then
    case $first in
    config) compadd -- check; return ;;
    collections) compadd -- list show create reset delete examine; return ;;
    keys) compadd -- create list revoke; return ;;
    members) compadd -- create list role remove reset-password; return ;;
    tokens) compadd -- rotate; return ;;
    models) compadd -- check list migrate calibrate basis cohort; return ;;
    audit) compadd -- export verify; return ;;
    esac
  fi
  case "$first $second" in
    'config check')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'collections list')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'collections show')
      case $before in
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --environment --json --data-dir --config --help; return ;;
    'collections create')
      case $before in
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --description --environment --json --data-dir --config --help; return ;;
    'collections reset')
      case $before in
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --yes --environment --json --data-dir --config --help; return ;;
    'collections delete')
      case $before in
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --yes --environment --json --data-dir --config --help; return ;;
    'collections examine')
      case $before in
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --apply --undo --dismiss --restore --dismissed --environment --json --data-dir --config --help; return ;;
    'keys create')
      case $before in
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --name --collection --environment --scope --ip --rate-limit --expires-in-days --budget-usd --create --json --data-dir --config --help; return ;;
    'keys list')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'keys revoke')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --data-dir --config --help; return ;;
    'members create')
      case $before in
        --role) compadd -- member admin owner; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --email --name --role --password-stdin --create --json --data-dir --config --help; return ;;
    'members list')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'members role')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      [[ $word != -* ]] && { compadd -- member admin owner; return; }
      compadd -- --json --data-dir --config --help; return ;;
    'members remove')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --data-dir --config --help; return ;;
    'members reset-password')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --password-stdin --json --data-dir --config --help; return ;;
    'tokens rotate')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'models check')
      case $before in
        --pictures) _files -/; return ;;
      esac
      [[ $word != -* ]] && { _files -/; return; }
      compadd -- --pictures --json --help; return ;;
    'models list')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'models migrate')
      case $before in
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --all --to --sightings --status --pause --rollback --finish --delete-left --undo --account --environment --json --data-dir --config --help; return ;;
    'models calibrate')
      case $before in
        --groups) _files; return ;;
      esac
      [[ $word != -* ]] && { _files -/; return; }
      compadd -- --pack --groups --write --help; return ;;
    'models basis')
      case $before in
        --faces) _files -/; return ;;
      esac
      [[ $word != -* ]] && { _files -/; return; }
      compadd -- --faces --write --json --help; return ;;
    'models cohort')
      case $before in
      esac
      [[ $word != -* ]] && { _files -/; return; }
      compadd -- --pack --write --json --help; return ;;
    'audit export')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --data-dir --config --help; return ;;
    'audit verify')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --expect --json --data-dir --config --help; return ;;
  esac
  case $first in
    'status')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'doctor')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'import')
      case $before in
        --map) _files; return ;;
        --journal) _files; return ;;
        --environment) compadd -- live test; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      [[ $word != -* ]] && { _files -/; return; }
      compadd -- --collection --map --files --dry-run --journal --environment --json --data-dir --config --help; return ;;
    'reload')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'backup')
      case $before in
        --to) _files -/; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --to --keep --json --data-dir --config --help; return ;;
    'restore')
      case $before in
        --key) _files; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      [[ $word != -* ]] && { _files -/; return; }
      compadd -- --replace --key --unauthenticated --accept-faults --json --data-dir --config --help; return ;;
    'verify')
      case $before in
        --key) _files; return ;;
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      [[ $word != -* ]] && { _files -/; return; }
      compadd -- --key --unauthenticated --json --data-dir --config --help; return ;;
    'compact')
      case $before in
        --data-dir) _files -/; return ;;
        --config) _files; return ;;
      esac
      compadd -- --json --data-dir --config --help; return ;;
    'version')
      case $before in
      esac
      compadd -- --json --help; return ;;
  esac
}
_visagectl "$@"
