//! A real job: a C++ program compiled and run in the cell's own memory, with exceptions, threads and a shared object.

use integration::support::run;

const SOURCE: &str = "
#include <atomic>
#include <dlfcn.h>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>
int main() {
    std::atomic<int> sum{0};
    std::vector<std::thread> all;
    for (int i = 0; i < 4; i++) all.emplace_back([&sum, i] { sum += i; });
    for (auto &one : all) one.join();
    try { throw std::runtime_error(\"thrown\"); } catch (std::exception &e) { std::cout << e.what() << '\\n'; }
    void *object = dlopen(\"./part.so\", RTLD_NOW);
    auto twice = reinterpret_cast<int (*)(int)>(dlsym(object, \"twice\"));
    std::cout << twice(sum) << '\\n';
}";

#[test]
fn a_program_and_a_shared_object_are_built_and_work_together() {
    let script = "printf %s \"$1\" > main.cc && echo 'extern \"C\" int twice(int n) { return 2 * n; }' > part.cc &&
        g++ -shared -fPIC -o part.so part.cc && g++ -pthread -pipe -o main main.cc && exec ./main";
    let ran = run(&["--memory", "512M", "--cwd", "/tmp", "--", "sh", "-c", script, "sh", SOURCE]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "thrown\n12\n", ""), "{ran:?}");
}
