def greet(name):
    print("hello " + name)

greet("you")
for i in range(3)
    print(i)
