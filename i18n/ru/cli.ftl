# cli: words for people. One id, one meaning; the same ids in every language.

cli-about = Панель и локальный прокси для нескольких ключей Kimi API.
cli-no-ui = Запустить прокси без панели
cli-demo = Показать всё на примерных ключах и имитации апстрима; не нужны ни ключ, ни сеть
cli-dry-run = Отвечать здесь, ничего не отправляя апстриму
cli-lang = Язык панели и сообщений
cli-env-file = Файл настроек; он важнее окружения
cli-auths-dir = Папка с файлами ключей
cli-state-dir = Папка состояния, трассы и журналов
cli-listen = Где слушает прокси; порт 0 — любой свободный
cli-plain = Простой вывод без цвета
cli-no-color = Без цвета
cli-ascii = В панели только символы ASCII
cli-trust = Доверять файлу .env: тогда он может задавать, куда идут ключи и что слушается
cli-trust-path = Файл; если не назван — ./.env
cli-trusted = Файлу доверяем: { $path }. Его настройки действуют, пока он не изменится.
cli-trust-failed = Файлу { $path } нельзя доверять: { $error }. Назовите файл, который вы можете прочесть.
cli-wrong-settings = Настройки неверны. Исправьте это и запустите снова:
cli-listening = kmi-tui слушает { $address }
cli-not-drained = Часть запросов ещё выполнялась и была оборвана. Сколько ждать при остановке, задаёт KMI_SHUTDOWN_SECONDS.
cli-port-taken = Адрес { $address } занят другой программой. Остановите её или выберите другой порт: --listen или KMI_PROXY_LISTEN.
cli-port-taken-by = Адрес { $address } занят программой { $program } (pid { $pid }). Остановите её или выберите другой порт: --listen или KMI_PROXY_LISTEN.
cli-port-failed = Не удаётся слушать { $address }: { $error }. Выберите другой адрес: --listen или KMI_PROXY_LISTEN.
cli-no-terminal = Панели нужен терминал: { $error }. Без него запустите kmi-tui --no-ui.
cli-usage = Запуск
cli-commands = Команды
cli-options = Параметры
cli-help = Показать эту справку
cli-version = Показать версию
cli-no-tls = Сам kmi-tui пока не умеет TLS. Поставьте перед ним TLS-прокси и задайте KMI_PROXY_TLS_TERMINATED=1 вместо KMI_PROXY_TLS_CERT и KMI_PROXY_TLS_KEY.
cli-demo-upstream = Имитация апстрима: { $address }, примерные ключи в { $path }
